#include "service/own_views.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace easyjwt {
namespace {

using http::Method;
using Names = std::vector<std::string>;

/// What a view without a permission of its own answers to nobody, to somebody and to staff.
struct Standard {
  Names classes;
  Method method;
  std::vector<int> statuses;
};

void PrintTo(const Standard& standard, std::ostream* out) {
  for (const auto& name : standard.classes) *out << name << ' ';
}

class DefaultPermissionTest : public testing::TestWithParam<Standard> {};

TEST_P(DefaultPermissionTest, IsThatOfViewsWhichNameNone) {
  const auto& [classes, method, statuses] = GetParam();
  Identity somebody, staff;
  staff.is_staff = true;
  std::vector<int> answers;
  for (const Identity* identity :
       std::initializer_list<const Identity*>{nullptr, &somebody, &staff}) {
    http::Router router({"*"}, no_log());
    const auto who = [&](const http::Request&) -> IdentityResult {
      if (identity == nullptr) return nullptr;
      return std::make_shared<const Identity>(*identity);
    };
    const auto answer = [](const http::Request&, const Identity&) {
      return http::Response::json("{}");
    };
    add_own_views(
        router,
        {{method, "/standard/", std::nullopt, answer}, {method, "/own/", allow_any(), answer}},
        default_permission(classes), who, "Bearer");
    http::Request request;
    request.method = method;
    request.method_name = method == Method::get ? "GET" : "POST";
    request.host = "localhost";
    request.path = "/standard/";
    answers.push_back(router.dispatch(request).response.status);
    request.path = "/own/";
    EXPECT_EQ(router.dispatch(request).response.status, 200);
  }
  EXPECT_EQ(answers, statuses);
}

INSTANTIATE_TEST_SUITE_P(
    Classes, DefaultPermissionTest,
    testing::Values(Standard{{"IsAuthenticated"}, Method::get, {401, 200, 200}},
                    Standard{{"AllowAny"}, Method::get, {200, 200, 200}},
                    Standard{{"IsAdminUser"}, Method::get, {401, 403, 200}},
                    Standard{{"IsAuthenticatedOrReadOnly"}, Method::get, {200, 200, 200}},
                    Standard{{"IsAuthenticatedOrReadOnly"}, Method::post, {401, 200, 200}},
                    Standard{{"AllowAny", "IsAdminUser"}, Method::get, {401, 403, 200}},
                    Standard{{}, Method::get, {200, 200, 200}}));

}  // namespace
}  // namespace easyjwt
