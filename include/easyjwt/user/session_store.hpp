#pragma once

#include <cstdint>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/db/database.hpp"

namespace easyjwt {

/// The django_session table. Made for the length of a transaction.
class SessionStore {
 public:
  explicit SessionStore(db::Transaction& transaction) : transaction_(transaction) {}

  /// Deletes at most `limit` sessions that expired before `now`; returns how many.
  Result<std::int64_t> flush_expired(Time now, std::int64_t limit);

 private:
  db::Transaction& transaction_;
};

}  // namespace easyjwt
