// Extra data of users: each has an access group at the auth-service, client-services keep a copy of
// it, and a permission goes by it. One program for both sides, as the settings of each say
// (INSTALLED_APPS); both have
//
//     [EASY_JWT]
//     USER_MODEL_SERIALIZER = "AccessGroupSerializer"
//
// and the table in access_group.sql.

#include <easyjwt/service/program.hpp>

using namespace easyjwt;

namespace {

constexpr const char* table = "userdata_accessgroup";

class AccessGroupSerializer final : public UserSerializer {
 public:
  std::vector<std::string> fields() const override {
    return {"id", "email", "first_name", "last_name", "is_active"};
  }
  std::vector<RelatedTable> related() const override {
    return {{.table = table, .foreign_key = "user_id", .fields = {"user_type"}}};
  }

  Result<void> to_json(const VisibleUser& user, RelatedStore& store,
                       json::object& out) const override {
    auto group = store.get(table, user.id());
    if (!group) return fail(group.error());
    out["accessgroup"] = *std::move(group);  // null: no group
    return {};
  }

  // create() does the same.
  Result<void> update(const VisibleUser& user, const json::object& data,
                      RelatedStore& store) const override {
    return store.set(table, user.id(), data.if_contains("accessgroup"));
  }
};

/// The user's type; empty: there is none.
std::string_view user_type(const Identity& identity) {
  const auto* group = identity.user.if_contains("accessgroup");
  const auto* members = group != nullptr ? group->if_object() : nullptr;
  const auto* type = members != nullptr ? members->if_contains("user_type") : nullptr;
  return type != nullptr && type->is_string() ? std::string_view(type->get_string())
                                              : std::string_view();
}

/// Who has the view's level, or one above it: "AB" is open to "AB" and to "A".
Permission access_group_permission(std::string level) {
  return Permission(
      [level = std::move(level)](const Access& access) {
        if (access.identity == nullptr) return false;
        const auto type = user_type(*access.identity);
        return !type.empty() && level.starts_with(type);
      },
      {"You do not have permission to this service", {}});
}

http::Reply success(const http::Request&, const Identity&) {
  return http::Response::json("\"success\"");
}

}  // namespace

int main(int argc, char** argv) {
  Program program;
  program.serializer<AccessGroupSerializer>("AccessGroupSerializer");
  program.get("/api/reports/", access_group_permission("AB"), success);
  program.get("/api/audit/", is_admin_user() || access_group_permission("A"), success);
  program.get("/api/guests/", is_authenticated() && !access_group_permission("A"), success);
  program.get("/api/test/", success);
  return program.run(argc, argv);
}
