#include "service/auth_api/client_guard.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "db/test_database.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/db/migrations.hpp"

namespace easyjwt {
namespace {

const Time now = *parse_time("2026-11-23T12:00:00Z");

class ClientGuardTest : public testing::TestWithParam<db::Place> {
 protected:
  ClientGuardTest() {
    if (auto done = db::migrate(*database_, [] { return now; }); !done) {
      throw std::runtime_error(done.error().reason);
    }
    const auto made = *clients_.add("gateway", {ClientScope::introspect});
    id_ = made.client.client_id;
    secret_ = made.secret.view();
  }

  /// "client", or status and error.
  std::string said(const std::vector<http::Header>& headers, const char* body = nullptr,
                   ClientScope scope = ClientScope::introspect) {
    http::Request request;
    request.headers = headers;
    http::Form form;
    if (body != nullptr) form = *http::parse_urlencoded(body);
    const auto client = guard_.require(request, scope, body != nullptr ? &form : nullptr);
    if (client) return client->client_id == id_ ? "client" : "another";
    const auto& error = client.error();
    std::string text;
    append_error_body(text, error);
    EXPECT_EQ(text.find(secret_), text.npos);
    const auto json = parse_json(text);
    return std::to_string(describe(error.code).status) + " " +
           std::string(json->at("error").as_string());
  }
  static http::Header basic(std::string& out, const std::string& id, std::string_view secret) {
    out = "Basic " + base64(id + ":" + std::string(secret));
    return {"authorization", out};
  }
  std::string by_basic(const std::string& id, std::string_view secret, const char* body = nullptr,
                       ClientScope scope = ClientScope::introspect) {
    std::string field;
    return said({basic(field, id, secret)}, body, scope);
  }

  db::TestDatabase place_{GetParam(), true};
  std::unique_ptr<db::Database> database_ = place_.open();
  Clients clients_{*database_, [] { return now; }};
  const ClientGuard guard_{clients_};
  std::string id_, secret_;
};

INSTANTIATE_TEST_SUITE_P(Engines, ClientGuardTest, db::every_place, db::place_name);

TEST_P(ClientGuardTest, LetsInByEitherWay) {
  EXPECT_EQ(by_basic(id_, secret_), "client");
  EXPECT_EQ(by_basic(id_, secret_, "token=x"), "client");
  EXPECT_EQ(said({}, ("client_id=" + id_ + "&client_secret=" + secret_).c_str()), "client");
  // Every character escaped, as some do.
  std::string escaped;
  for (const char c : secret_) escaped += "%" + hex(std::string(1, c));
  EXPECT_EQ(by_basic(id_, escaped), "client");
  // The id in the body beside Basic, as others do.
  EXPECT_EQ(by_basic(id_, secret_, ("client_id=" + id_).c_str()), "client");
  EXPECT_EQ(by_basic(id_, secret_, "client_id=&client_secret="), "client");
}

TEST_P(ClientGuardTest, RefusesWhoeverElse) {
  EXPECT_EQ(said({}), "401 invalid_client");
  EXPECT_EQ(said({}, ""), "401 invalid_client");
  EXPECT_EQ(by_basic(id_, "wrong"), "401 invalid_client");
  EXPECT_EQ(by_basic("nobody", secret_), "401 invalid_client");
  EXPECT_EQ(by_basic(id_, ""), "401 invalid_client");
  EXPECT_EQ(by_basic("", ""), "401 invalid_client");
  EXPECT_EQ(by_basic(std::string("a\0b", 3), "x"), "401 invalid_client");
  EXPECT_EQ(said({{"Authorization", "Basic !"}}), "401 invalid_client");
  EXPECT_EQ(said({{"Authorization", "Bearer x"}}), "401 invalid_client");
  EXPECT_EQ(said({}, ("client_id=" + id_).c_str()), "401 invalid_client");
  EXPECT_EQ(said({}, ("client_secret=" + secret_).c_str()), "401 invalid_client");
  // No view without a form has these.
  http::Request request;
  const std::string query = "client_id=" + id_ + "&client_secret=" + secret_;
  request.query = query;
  EXPECT_FALSE(guard_.require(request, ClientScope::introspect));
}

TEST_P(ClientGuardTest, RefusesWhatCouldBeReadInTwoWays) {
  const auto post = "client_id=" + id_ + "&client_secret=" + secret_;
  EXPECT_EQ(by_basic(id_, secret_, post.c_str()), "400 invalid_request");
  EXPECT_EQ(by_basic(id_, secret_, "client_id=other"), "400 invalid_request");
  EXPECT_EQ(said({}, (post + "&client_secret=x").c_str()), "400 invalid_request");
  EXPECT_EQ(said({}, (post + "&client_id=" + id_).c_str()), "400 invalid_request");
  std::string a, b;
  EXPECT_EQ(said({basic(a, id_, secret_), basic(b, id_, secret_)}), "400 invalid_request");
}

TEST_P(ClientGuardTest, AsksForTheScope) {
  EXPECT_EQ(by_basic(id_, secret_, nullptr, ClientScope::feed), "403 insufficient_scope");
  EXPECT_EQ(by_basic(id_, "wrong", nullptr, ClientScope::feed), "401 invalid_client");
}

TEST(OauthForm, IsAForm) {
  const auto status = [](const char* type, const char* body) {
    const std::vector<http::Header> headers{{"Content-Type", type}};
    http::Request request;
    request.headers = headers;
    request.body = body;
    const auto form = read_oauth_form(request);
    return form ? 200 : describe(form.error().code).status;
  };
  EXPECT_EQ(status("application/x-www-form-urlencoded", "a=b"), 200);
  EXPECT_EQ(status("Application/X-WWW-Form-Urlencoded; charset=utf-8", "a=b"), 200);
  EXPECT_EQ(status("", ""), 200);
  EXPECT_EQ(status("application/json", R"({"a":"b"})"), 415);
  EXPECT_EQ(status("multipart/form-data; boundary=x", "--x--"), 415);
  EXPECT_EQ(status("", "a=b"), 415);
  EXPECT_EQ(status("application/x-www-form-urlencoded", std::string(2000, '&').c_str()), 400);
  const auto form = *http::parse_urlencoded("a=1&b=&c=1&c=2");
  EXPECT_EQ(**read_parameter(form, "a"), "1");
  EXPECT_FALSE(*read_parameter(form, "b"));
  EXPECT_FALSE(*read_parameter(form, "d"));
  EXPECT_EQ(read_parameter(form, "c").error().code, Errc::bad_request);
}

}  // namespace
}  // namespace easyjwt
