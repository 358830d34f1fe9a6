#include "easyjwt/token/permission.hpp"

#include <gtest/gtest.h>

namespace easyjwt {
namespace {

struct People {
  Identity user;
  Identity staff;
  Identity superuser;
  Identity inactive;

  People() {
    user.permissions = {"easyjwt_user.add_user", "easyjwt_user.view_user"};
    staff.is_staff = true;
    superuser.is_superuser = true;
    inactive = user;
    inactive.is_active = false;
    inactive.is_superuser = true;
  }
};

class PermissionTest : public testing::Test, protected People {
 protected:
  static bool allows(const Permission& permission, const Identity* who,
                     std::string_view method = "GET") {
    return permission.allows({.identity = who, .method = method, .path = "/"});
  }
  /// Who of nobody, user, staff and superuser may: "user,staff".
  std::string who_may(const Permission& permission, std::string_view method = "GET") const {
    std::string out;
    const auto add = [&](const Identity* who, const char* name) {
      if (allows(permission, who, method)) out.append(out.empty() ? "" : ",").append(name);
    };
    add(nullptr, "nobody");
    add(&user, "user");
    add(&staff, "staff");
    add(&superuser, "superuser");
    return out;
  }
};

TEST_F(PermissionTest, RestFrameworksOwn) {
  EXPECT_EQ(who_may(is_authenticated()), "user,staff,superuser");
  EXPECT_EQ(who_may(allow_any()), "nobody,user,staff,superuser");
  EXPECT_EQ(who_may(is_admin_user()), "staff");
  for (const auto* method : {"GET", "HEAD", "OPTIONS"}) {
    EXPECT_EQ(who_may(is_authenticated_or_read_only(), method), "nobody,user,staff,superuser");
  }
  for (const auto* method : {"POST", "PUT", "PATCH", "DELETE", "TRACE", "get", ""}) {
    EXPECT_EQ(who_may(is_authenticated_or_read_only(), method), "user,staff,superuser") << method;
  }
}

TEST_F(PermissionTest, HasPermIsDjangos) {
  EXPECT_EQ(who_may(has_perm("easyjwt_user.add_user")), "user,superuser");
  EXPECT_EQ(who_may(has_perm("easyjwt_user.delete_user")), "superuser");
  EXPECT_EQ(who_may(has_perm("easyjwt_user.add_use")), "superuser");
  EXPECT_EQ(who_may(has_perm("")), "superuser");
  EXPECT_FALSE(allows(has_perm("easyjwt_user.add_user"), &inactive));
  EXPECT_FALSE(inactive.has_perm("easyjwt_user.view_user"));
}

TEST_F(PermissionTest, ModelPermissionsGoByTheMethod) {
  const auto on_users = model_permissions("easyjwt_user", "user");
  for (const auto* method : {"GET", "HEAD", "OPTIONS"}) {
    EXPECT_EQ(who_may(on_users, method), "user,staff,superuser");
  }
  EXPECT_EQ(who_may(on_users, "POST"), "user,superuser");
  for (const auto* method : {"PUT", "PATCH", "DELETE"}) {
    EXPECT_EQ(who_may(on_users, method), "superuser") << method;
  }
  user.permissions = {"easyjwt_user.change_user"};
  EXPECT_EQ(who_may(on_users, "PUT"), "user,superuser");
  EXPECT_EQ(who_may(on_users, "PATCH"), "user,superuser");
  user.permissions = {"easyjwt_user.delete_user"};
  EXPECT_EQ(who_may(on_users, "DELETE"), "user,superuser");
  EXPECT_EQ(who_may(on_users, "POST"), "superuser");
  for (const auto* method : {"TRACE", "post", ""}) EXPECT_EQ(who_may(on_users, method), "");
}

TEST_F(PermissionTest, Combinations) {
  const auto adds = has_perm("easyjwt_user.add_user");
  EXPECT_EQ(who_may(is_authenticated() && adds), "user,superuser");
  EXPECT_EQ(who_may(is_admin_user() || adds), "user,staff,superuser");
  EXPECT_EQ(who_may(is_admin_user() && adds), "");
  EXPECT_EQ(who_may(!is_authenticated()), "nobody");
  EXPECT_EQ(who_may(is_authenticated() && !is_admin_user()), "user,superuser");
  EXPECT_EQ(who_may(!(is_admin_user() || adds)), "nobody");
}

TEST_F(PermissionTest, TheSecondIsAskedOnlyWhereItMatters) {
  int asked = 0;
  const Permission counted([&](const Access&) { return ++asked > 0; });
  EXPECT_FALSE(allows(!allow_any() && counted, &user));
  EXPECT_TRUE(allows(allow_any() || counted, &user));
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(allows(allow_any() && counted, &user));
  EXPECT_EQ(asked, 1);
}

TEST_F(PermissionTest, CheckSaysWhoIsRefusedAndHow) {
  const auto code = [](const Permission& permission, const Identity* who) {
    const auto result = permission.check({.identity = who, .method = "GET", .path = "/"});
    return result ? std::string("allowed")
                  : std::to_string(describe(result.error().code).status) + " " +
                        result.error().detail.str();
  };
  const Permission group([](const Access&) { return false; }, {"Only for the group.", {}});
  EXPECT_EQ(code(group, &user), "403 Only for the group.");
  // Whoever is nobody is asked to log in, and not told of the group.
  EXPECT_EQ(code(group, nullptr), "401 ");
  EXPECT_EQ(code(is_admin_user(), &user), "403 ");
  EXPECT_EQ(code(is_admin_user(), &staff), "allowed");
  EXPECT_EQ(code(allow_any(), nullptr), "allowed");
  // A combination has REST framework's words.
  EXPECT_EQ(code(group && allow_any(), &user), "403 ");
  EXPECT_EQ(code(group || group, &user), "403 ");
}

/// Rules see the path and the method, and whatever the auth-service said.
TEST_F(PermissionTest, ARuleOfOnesOwn) {
  user.user["access_groups"] = json::array{"staff-room"};
  const Permission rule([](const Access& access) {
    if (access.identity == nullptr) return false;
    const auto* groups = access.identity->user.if_contains("access_groups");
    return groups != nullptr && groups->is_array() && !groups->get_array().empty() &&
           access.path.starts_with("/room/");
  });
  EXPECT_TRUE(rule.allows({.identity = &user, .method = "GET", .path = "/room/1"}));
  EXPECT_FALSE(rule.allows({.identity = &user, .method = "GET", .path = "/"}));
  EXPECT_FALSE(rule.allows({.identity = &staff, .method = "GET", .path = "/room/1"}));
}

}  // namespace
}  // namespace easyjwt
