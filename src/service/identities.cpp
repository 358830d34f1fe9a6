#include "service/identities.hpp"

#include <optional>
#include <utility>

#include "easyjwt/user/remote_user_store.hpp"

namespace easyjwt {
namespace {

std::optional<std::string> text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

Result<RemoteUser> remote_user(const json::object& object) {
  const auto* id = object.if_contains("id");
  auto email = text_of(object, "email");
  if (id == nullptr || !id->is_int64() || !email) {
    return fail(Error::unavailable("the auth-service told of a user without an id or an e-mail"));
  }
  RemoteUser user{.id = id->get_int64(), .email = *std::move(email)};
  user.first_name = text_of(object, "first_name");
  user.last_name = text_of(object, "last_name");
  const auto* active = object.if_contains("is_active");
  if (active != nullptr && active->is_bool()) user.is_active = active->get_bool();
  return user;
}

Result<Identity> identity_of(RemoteUserStore& store, const User& user) {
  auto groups = store.groups(user.id);
  if (!groups) return fail(groups.error());
  auto permissions = store.permissions(user.id);
  if (!permissions) return fail(permissions.error());
  Identity identity;
  identity.id = user.id;
  identity.email = user.email;
  identity.first_name = user.first_name;
  identity.last_name = user.last_name;
  identity.is_active = user.is_active;
  identity.is_staff = user.is_staff;
  identity.is_superuser = user.is_superuser;
  identity.groups = *std::move(groups);
  identity.permissions = *std::move(permissions);
  return identity;
}

}  // namespace

IdentityResult Identities::of_remote_user(const json::object& object) const {
  const auto user = remote_user(object);
  if (!user) return fail(user.error());
  auto known = database_.read([&](db::Transaction& transaction) -> Result<std::optional<Identity>> {
    RemoteUserStore store(transaction);
    const auto copy = store.find(user->id);
    if (!copy) return fail(copy.error());
    if (!*copy || !RemoteUserStore::is_current(**copy, *user)) return std::nullopt;
    return identity_of(store, **copy);
  });
  if (!known) return fail(known.error());
  if (!*known) {
    auto saved = database_.write([&](db::Transaction& transaction) -> Result<Identity> {
      RemoteUserStore store(transaction);
      const auto copy = store.save(*user, clock_());
      if (!copy) return fail(copy.error());
      return identity_of(store, *copy);
    });
    if (!saved && saved.error().code == Errc::conflict) {
      return fail(Errc::permission_denied,
                  {"This e-mail address belongs to an account of this service's own.", {}},
                  saved.error().reason);
    }
    if (!saved && saved.error().code == Errc::validation_error) {
      return fail(Errc::auth_service_refused,
                  {"Integrity error with USER_MODEL_SERIALIZER: {} failed to parse the received "
                   "payload from the auth server.",
                   {serializer_}},
                  saved.error().reason);
    }
    if (!saved) return fail(saved.error());
    *known = *std::move(saved);
  }
  auto identity = std::make_shared<Identity>(**std::move(known));
  identity->remote_id = user->id;
  identity->user = object;
  return identity;
}

IdentityResult Identities::of_user(const User& user) const {
  auto identity = database_.read([&](db::Transaction& transaction) {
    RemoteUserStore store(transaction);
    return identity_of(store, user);
  });
  if (!identity) return fail(identity.error());
  identity->remote_id = user.id;
  return std::make_shared<const Identity>(*std::move(identity));
}

}  // namespace easyjwt
