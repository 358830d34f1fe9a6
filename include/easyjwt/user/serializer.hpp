#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/user/related_store.hpp"
#include "easyjwt/user/user_store.hpp"

namespace easyjwt {

/// A user as serializers see it: with all but the password.
class VisibleUser {
 public:
  explicit VisibleUser(const User& user) : user_(user) {}

  std::int64_t id() const noexcept { return user_.id; }
  const std::string& email() const noexcept { return user_.email; }
  const std::string& first_name() const noexcept { return user_.first_name; }
  const std::string& last_name() const noexcept { return user_.last_name; }
  const std::optional<std::string>& location() const noexcept { return user_.location; }
  const std::optional<std::string>& phone() const noexcept { return user_.phone; }
  bool is_active() const noexcept { return user_.is_active; }
  bool is_staff() const noexcept { return user_.is_staff; }
  bool is_superuser() const noexcept { return user_.is_superuser; }
  Time date_joined() const noexcept { return user_.date_joined; }
  std::optional<Time> last_login() const noexcept { return user_.last_login; }

 private:
  const User& user_;
};

/// The original's TokenUserSerializer, to be derived from: what an auth-service tells of a user,
/// and what a client-service does with it. One object serves all threads. What it does may be done
/// twice (a transaction that is tried again), so it touches nothing but what it is given.
class UserSerializer {
 public:
  virtual ~UserSerializer() = default;

  /// Meta.fields: columns of "user", in the order in which they are shown; id and email must be
  /// among them. A client-service copies first_name, last_name, is_active, phone and location,
  /// those that are here. is_staff, is_superuser, password and groups it never writes.
  virtual std::vector<std::string> fields() const;
  /// The tables that the others work with.
  virtual std::vector<RelatedTable> related() const { return {}; }

  /// Auth-service: adds to `out`, which has the fields, what else is told of the user.
  virtual Result<void> to_json(const VisibleUser& user, RelatedStore& store,
                               json::object& out) const;

  /// Client-service: `data` is what the auth-service said, `user` the copy that was made of it, in
  /// the same transaction (or made long ago by the original, so that there may be rows already).
  /// An Error undoes the copy, too.
  virtual Result<void> create(const VisibleUser& user, const json::object& data,
                              RelatedStore& store) const {
    return update(user, data, store);
  }
  /// The same with a copy that was there before. Called for every request; first where nothing can
  /// be written, to see whether there is anything to write.
  virtual Result<void> update(const VisibleUser& user, const json::object& data,
                              RelatedStore& store) const;
};

/// Makes a serializer of a program's own, which USER_MODEL_SERIALIZER names.
using SerializerFactory = std::function<std::unique_ptr<UserSerializer>()>;

/// USER_MODEL_SERIALIZER as a table: a serializer without code.
struct SerializerSettings {
  struct Nested {
    std::string name;  ///< the member's
    RelatedTable table;
  };

  std::vector<std::string> fields;  ///< UserSerializer::fields
  std::vector<Nested> related;
};
std::unique_ptr<UserSerializer> make_declared_serializer(SerializerSettings settings);

/// A serializer at work on a database. Any thread.
class BoundSerializer {
 public:
  /// Throws SettingsError: fields or tables that cannot be. Needs no database.
  static void check(const UserSerializer& serializer);
  /// Throws SettingsError, as check() and RelatedTables::find() do. Errors of Database::read.
  static Result<std::unique_ptr<const BoundSerializer>> bind(
      std::unique_ptr<const UserSerializer> serializer, db::Database& database,
      RelatedTables::Use use);

  /// What GET /auth/user/ answers.
  Result<json::object> to_json(db::Transaction& transaction, const User& user) const;

  /// Whether the columns of "user" that are copied include this one.
  bool has_field(std::string_view name) const;
  /// Whether a copy's rows are what `data` says. Writes nothing. Errc::validation_error: they
  /// cannot be.
  Result<bool> is_current(db::Transaction& transaction, const User& copy,
                          const json::object& data) const;
  /// Makes them so. `is_new`: the copy has just been made.
  Result<void> save(db::Transaction& transaction, const User& copy, bool is_new,
                    const json::object& data) const;

 private:
  BoundSerializer(std::unique_ptr<const UserSerializer> serializer, RelatedTables tables);

  std::unique_ptr<const UserSerializer> serializer_;
  std::vector<std::string> fields_;
  RelatedTables tables_;
};

}  // namespace easyjwt
