#include "service/client_api/client_api.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "easyjwt/core/waiting.hpp"
#include "fetch/scripted_server.hpp"

namespace easyjwt {
namespace {

using http::Method;

constexpr std::string_view json_type = "Content-Type: application/json\r\n";

/// The endpoints, with an auth-service that knows everybody. What the two programs do together is
/// in tests/e2e/test_client_service.py.
class ClientApiTest : public testing::Test {
 protected:
  ClientApiTest()
      : auth_([this](const std::string& request) {
          if (request.starts_with("GET /auth/user/")) {
            return test::answer(R"({"id":7,"email":"a@example.com"})", json_type, user_status_);
          }
          return test::answer(R"({"refresh":"d.e.f","access":"a.b.c"})", json_type);
        }),
        settings_(ServiceSettings::of(ServiceKind::client)),
        router_({"*"}, no_log()) {
    settings_.remote.service_url = "http://127.0.0.1:" + std::to_string(auth_.port());
    remote_.emplace(settings_.remote, no_log());
  }

  void add_api(Admit admit) {
    add_client_api(router_, {.settings = settings_,
                             .remote = *remote_,
                             .admit = std::move(admit),
                             .who = [](const http::Request&) { return IdentityResult(nullptr); },
                             .language = [](const http::Request&) { return nullptr; },
                             .log =
                                 [this](LogLevel, std::string_view message,
                                        std::initializer_list<LogField> fields) {
                                   lines_.emplace_back(message);
                                   for (const auto& field : fields) {
                                     lines_.back().append("|").append(field.value);
                                   }
                                 }});
  }

  http::Router::Outcome post(std::string_view path, std::string_view body) {
    const std::vector<http::Header> headers{{"Content-Type", "application/json"}};
    http::Request request;
    request.method = Method::post;
    request.method_name = "POST";
    request.path = path;
    request.host = "localhost";
    request.headers = headers;
    request.body = body;
    return router_.dispatch(request);
  }
  http::Response log_in() {
    return post("/auth/token/", R"({"email":"a@example.com","password":"geheim"})").response;
  }

  std::string user_status_ = "200 OK";
  test::ScriptedServer auth_;
  ServiceSettings settings_;
  std::optional<RemoteAuth> remote_;
  http::Router router_;
  std::vector<std::string> lines_;
};

TEST_F(ClientApiTest, ALoginMakesACopyOfTheUser) {
  std::vector<std::string> copied;
  add_api([&](const json::object& user) -> Result<std::shared_ptr<const Identity>> {
    copied.emplace_back(user.at("email").as_string());
    return std::shared_ptr<const Identity>();
  });
  EXPECT_EQ(log_in().body, R"({"refresh":"d.e.f","access":"a.b.c"})");
  EXPECT_EQ(copied, std::vector<std::string>{"a@example.com"});
  EXPECT_TRUE(lines_.empty());
  // Nothing else does.
  EXPECT_EQ(post("/auth/token/refresh/", R"({"refresh":"x"})").response.status, 200);
  EXPECT_EQ(copied.size(), 1u);
}

TEST_F(ClientApiTest, ALoginIsGoodWithoutACopy) {
  add_api([](const json::object&) -> Result<std::shared_ptr<const Identity>> {
    return fail(Error::unavailable("the disk is full"));
  });
  const auto response = log_in();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"refresh":"d.e.f","access":"a.b.c"})");
  EXPECT_EQ(lines_,
            std::vector<std::string>{"no copy of a user was made at login|the disk is full"});
}

TEST_F(ClientApiTest, ALoginIsGoodWhereTheUserIsRefused) {
  user_status_ = "401 Unauthorized";
  bool asked = false;
  add_api([&](const json::object&) -> Result<std::shared_ptr<const Identity>> {
    asked = true;
    return std::shared_ptr<const Identity>();
  });
  EXPECT_EQ(log_in().status, 200);
  EXPECT_FALSE(asked);
  EXPECT_EQ(lines_.size(), 1u);
}

TEST_F(ClientApiTest, WithoutCopiesNobodyAsksForTheUser) {
  add_api({});
  EXPECT_EQ(log_in().status, 200);
  EXPECT_EQ(auth_.requests(), 1);
}

TEST_F(ClientApiTest, WaitsInTheLaneOfRemoteCalls) {
  add_api({});
  const NoWaiting here;
  for (const auto* path :
       {"/auth/token/", "/auth/token/refresh/", "/auth/token/verify/", "/auth/token/logout/"}) {
    const auto outcome = post(path, R"({"email":"a","password":"b","refresh":"c","token":"d"})");
    ASSERT_NE(outcome.waits, nullptr) << path;
    EXPECT_EQ(outcome.waits->lane, http::Lane::remote);
    // What is wrong with a request needs no waiting.
    EXPECT_EQ(post(path, "{").response.status, 400) << path;
  }
  EXPECT_EQ(auth_.requests(), 0);
}

}  // namespace
}  // namespace easyjwt
