#pragma once

#include <libpq-fe.h>

#include "easyjwt/core/error.hpp"

namespace easyjwt::db {

// What we call of libpq.
#define EASYJWT_LIBPQ(X)                                                                          \
  X(PQclear)                                                                                      \
  X(PQcmdStatus) X(PQcmdTuples) X(PQconnectPoll) X(PQconnectStartParams) X(PQconninfoFree)        \
      X(PQconninfoParse) X(PQconsumeInput) X(PQenterPipelineMode) X(PQerrorMessage)               \
          X(PQexitPipelineMode) X(PQfinish) X(PQflush) X(PQfname) X(PQfreemem) X(PQftype)         \
              X(PQgetResult) X(PQgetisnull) X(PQgetlength) X(PQgetvalue) X(PQisBusy) X(PQnfields) \
                  X(PQntuples) X(PQpipelineSync) X(PQresultErrorField) X(PQresultErrorMessage)    \
                      X(PQresultStatus) X(PQsendPrepare) X(PQsendQuery) X(PQsendQueryParams)      \
                          X(PQsendQueryPrepared) X(PQsetNoticeProcessor) X(PQsetnonblocking)      \
                              X(PQsocket) X(PQstatus)

/// libpq, loaded with the first postgresql:// URL: with all that it links in turn (LDAP, Kerberos,
/// GnuTLS) it would be a fifth of the memory of a service on SQLite, which need not even have it.
struct Libpq {
#define EASYJWT_LIBPQ_MEMBER(name) decltype(&::name) name = nullptr;
  EASYJWT_LIBPQ(EASYJWT_LIBPQ_MEMBER)
#undef EASYJWT_LIBPQ_MEMBER
};

/// Of no use before load_libpq().
extern Libpq pq;

/// Errc::refused where the library, or something in it, is not there. Any thread.
Result<void> load_libpq();

}  // namespace easyjwt::db
