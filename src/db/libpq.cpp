#include "db/libpq.hpp"

#include <dlfcn.h>

#include <string>

namespace easyjwt::db {

Libpq pq;

Result<void> load_libpq() {
  static const std::string failure = []() -> std::string {
    const auto why = [] {
      const char* words = dlerror();
      return std::string("PostgreSQL needs libpq (Debian's libpq5): ") +
             (words != nullptr ? words : "it cannot be loaded");
    };
    // Never closed: connections may end after whoever opened them.
    void* library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return why();
#define EASYJWT_LIBPQ_LOAD(name)                                        \
  pq.name = reinterpret_cast<decltype(pq.name)>(dlsym(library, #name)); \
  if (pq.name == nullptr) return why();
    EASYJWT_LIBPQ(EASYJWT_LIBPQ_LOAD)
#undef EASYJWT_LIBPQ_LOAD
    return {};
  }();
  if (!failure.empty()) return fail(Errc::refused, {}, failure);
  return {};
}

}  // namespace easyjwt::db
