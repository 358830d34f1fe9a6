#include "service/health.hpp"

#include "easyjwt/user/user_store.hpp"

namespace easyjwt {
namespace {

/// A point read of a row that is not there: cheap, and it fails where file or schema are gone.
http::Reply readiness(db::Database& database) {
  const auto user = database.read(
      [](db::Transaction& transaction) { return UserStore(transaction).find_by_id(0); });
  if (user) return http::Response::json(R"({"status":"ready"})");
  if (user.error().code == Errc::would_wait) return user.error();
  return http::Response::json(R"({"status":"not ready","missing":["database"]})", 503);
}

http::View view(std::string path, std::string name, http::Handler handler) {
  http::View view;
  view.path = std::move(path);
  view.name = std::move(name);
  view.any_host = true;
  view.handlers.emplace_back(http::Method::get, std::move(handler));
  return view;
}

}  // namespace

void add_health(http::Router& router, db::Database& database) {
  router.add(view("/healthz", "Health", [](const http::Request&) -> http::Reply {
    return http::Response::json(R"({"status":"ok"})");
  }));
  router.add(view("/readyz", "Readiness",
                  [&database](const http::Request&) { return readiness(database); }));
}

}  // namespace easyjwt
