#include "easyjwt/user/remote_user_store.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "easyjwt/core/random.hpp"
#include "easyjwt/core/unicode.hpp"
#include "easyjwt/user/hasher.hpp"
#include "user/user_row.hpp"

namespace easyjwt {
namespace {

// The columns' sizes: SQLite would take more, and migrate-to choke on it.
constexpr std::size_t longest_email = 254;
constexpr std::size_t longest_name = 150;
constexpr std::size_t longest_phone = 15;
constexpr std::size_t longest_location = std::size_t{64} * 1024;  // the column has no limit

/// Of a save: one step forward or one lost to somebody else each. Three are the most that a save
/// needs by itself (the e-mail is set free, the copy is made, it is read).
constexpr int most_rounds = 8;

// Rows that the original made: its serializer leaves the password empty, and a project's own may
// say set_unusable_password(). Neither lets anybody in.
#define HAS_NO_PASSWORD "(password = '' OR password LIKE '!%')"

bool has_password(std::string_view encoded) {
  return !encoded.empty() && is_password_usable(encoded);
}

Result<void> check_text(const char* field, std::string_view text, std::size_t longest) {
  if (!is_utf8(text) || text.find('\0') != text.npos) {
    return fail(Error::field(field, {"Not a valid string.", {}}));
  }
  if (count_code_points(text) <= longest) return {};
  return fail(Error::field(
      field, {"Ensure this field has no more than {} characters.", {std::to_string(longest)}}));
}

Result<void> check(const RemoteUser& user) {
  // An id that was not read is the same for everybody.
  if (user.id < 1) return fail(Error::field("id", {"A valid integer is required.", {}}));
  if (user.email.empty()) {
    return fail(Error::field("email", {"This field may not be blank.", {}}));
  }
  if (auto good = check_text("email", user.email, longest_email); !good) return good;
  if (user.first_name) {
    if (auto good = check_text("first_name", *user.first_name, longest_name); !good) return good;
  }
  if (user.last_name) {
    if (auto good = check_text("last_name", *user.last_name, longest_name); !good) return good;
  }
  if (user.phone && *user.phone) {
    if (auto good = check_text("phone", **user.phone, longest_phone); !good) return good;
  }
  if (!user.location || !*user.location) return {};
  return check_text("location", **user.location, longest_location);
}

db::Value said(const std::optional<std::optional<std::string>>& value) {
  return value ? db::value_or_null(*value) : db::Value{nullptr};
}

std::string name_of(const RemoteUser& user) { return "remote user " + std::to_string(user.id); }

}  // namespace

/// Who has an e-mail.
struct RemoteUserStore::Holder {
  std::int64_t id = 0;
  std::optional<std::int64_t> remote_id;
};

struct RemoteUserStore::Holders {
  std::optional<Holder> exact;                ///< in this very spelling, and no local account
  std::optional<std::int64_t> local_account;  ///< in any
};

Result<std::optional<User>> RemoteUserStore::find(std::int64_t remote_id) {
  static constexpr db::Sql sql{
      "SELECT " USER_COLUMNS
      " FROM \"user\" WHERE id = (SELECT user_id FROM easyjwt_remote_user WHERE remote_id = $1)"};
  std::optional<User> found;
  const auto done =
      transaction_.run(sql, {remote_id}, [&](const db::Row& row) { found = read_user(row); });
  if (!done) return fail(done.error());
  return found;
}

Result<std::optional<std::int64_t>> RemoteUserStore::find_remote_id(std::int64_t user_id) {
  static constexpr db::Sql sql{"SELECT remote_id FROM easyjwt_remote_user WHERE user_id = $1"};
  std::optional<std::int64_t> found;
  const auto done =
      transaction_.run(sql, {user_id}, [&](const db::Row& row) { found = row.integer(0); });
  if (!done) return fail(done.error());
  return found;
}

bool RemoteUserStore::is_current(const User& copy, const RemoteUser& user) {
  return copy.email == user.email && user.first_name.value_or(copy.first_name) == copy.first_name &&
         user.last_name.value_or(copy.last_name) == copy.last_name &&
         user.is_active.value_or(copy.is_active) == copy.is_active &&
         (!user.location || *user.location == copy.location) &&
         (!user.phone || *user.phone == copy.phone);
}

Result<User> RemoteUserStore::save(const RemoteUser& user, Time now) {
  if (auto good = check(user); !good) {
    auto error = good.error();
    error.reason = name_of(user) + ": " + error.fields.front().field + " is not what it can be";
    return fail(std::move(error));
  }
  for (int round = 0; round < most_rounds; ++round) {
    auto copy = find(user.id);
    if (!copy) return fail(copy.error());
    if (*copy && is_current(**copy, user)) return **std::move(copy);
    if (round == 0) {
      auto locked = lock(user.id);
      if (!locked) return fail(locked.error());
      if (*locked) continue;
    }
    Holders holders;
    if (!*copy || (*copy)->email != user.email) {
      auto found = find_holders(user, *copy ? (*copy)->id : 0);
      if (!found) return fail(found.error());
      holders = *found;
    }
    if (holders.local_account) {
      return fail(Errc::conflict, {},
                  "the e-mail of " + name_of(user) + " is that of user " +
                      std::to_string(*holders.local_account) + ", who is not a copy");
    }
    Result<bool> done = true;
    if (const auto& holder = holders.exact) {
      done = *copy || holder->remote_id ? displace(*holder, user.email, now)
                                        : adopt(*holder, user, now);
    } else if (!*copy) {
      done = insert(user, now);
    } else {
      auto updated = update((*copy)->id, user, now);
      if (!updated) return fail(updated.error());
      if (*updated) return **std::move(updated);
    }
    if (!done) return fail(done.error());
  }
  return fail(Error::unavailable(name_of(user) + " could not be saved: others change the same"));
}

/// Until the end of the transaction nobody else saves that user. False: that was so before.
Result<bool> RemoteUserStore::lock(std::int64_t remote_id) {
  // Two that have made half a copy each would wait for each other, for a second, until PostgreSQL
  // notices. The number is one that nobody else takes: "ejwt" in ASCII. Behind a pooler, too, it
  // goes with the transaction.
  static constexpr db::Sql sql{"SELECT pg_advisory_xact_lock(1701476212, hashint8($1))"};
  if (transaction_.engine() == db::Engine::sqlite) return false;
  const auto done = transaction_.run(sql, {remote_id});
  if (!done) return fail(done.error());
  return true;
}

Result<RemoteUserStore::Holders> RemoteUserStore::find_holders(const RemoteUser& user,
                                                               std::int64_t own_id) {
  // Beside an account of somebody's own no copy may have its e-mail in another spelling: to people,
  // and to services behind forward-auth, it is the same. Two copies may, since the auth-service
  // tells them apart.
  static constexpr db::Sql sql{
      "SELECT u.id, u.email, u.password, r.remote_id FROM \"user\" u "
      "LEFT JOIN easyjwt_remote_user r ON r.user_id = u.id WHERE lower(u.email) = lower($1)"};
  Holders holders;
  const auto done = transaction_.run(sql, {std::string_view(user.email)}, [&](const db::Row& row) {
    const Holder holder{.id = row.integer(0), .remote_id = row.maybe_integer(3)};
    if (holder.id == own_id) return;
    if (!holder.remote_id && has_password(row.text(2))) {
      holders.local_account = holder.id;
    } else if (row.text(1) == user.email) {
      holders.exact = holder;
    }
  });
  if (!done) return fail(done.error());
  return holders;
}

/// Takes the e-mail from a copy. False: it has changed meanwhile.
Result<bool> RemoteUserStore::displace(const Holder& holder, const std::string& email, Time now) {
  static constexpr db::Sql sql{
      "UPDATE \"user\" SET email = $3, modified_date = $4 WHERE id = $1 AND email = $2 "
      "AND (" HAS_NO_PASSWORD
      " OR EXISTS (SELECT 1 FROM easyjwt_remote_user r WHERE r.user_id = \"user\".id))"};
  // Random: an address that can be foretold could be registered at the auth-service beforehand, to
  // be in the way here or, where a Django matches by e-mail, to come by this account. An address in
  // form, so that Django's admin can still save the row.
  auto address = random_uuid_hex() + "@moved.invalid";
  if (holder.remote_id) address.insert(0, std::to_string(*holder.remote_id) + "-");
  return transaction_.run(sql, {holder.id, std::string_view(email), std::string_view(address), now})
      .map([](std::int64_t rows) { return rows == 1; });
}

/// Makes a row that the original made the copy of this user. False: somebody was faster.
Result<bool> RemoteUserStore::adopt(const Holder& holder, const RemoteUser& user, Time now) {
  // Nobody gives it a password from here on to the end of the transaction.
  static constexpr db::Sql lock{
      "UPDATE \"user\" SET modified_date = $3 WHERE id = $1 AND email = $2 AND " HAS_NO_PASSWORD};
  const auto locked = transaction_.run(lock, {holder.id, std::string_view(user.email), now});
  if (!locked) return fail(locked.error());
  if (*locked == 0) return false;
  return link(user.id, holder.id);
}

/// False: somebody was faster.
Result<bool> RemoteUserStore::insert(const RemoteUser& user, Time now) {
  // An error would be the end of PostgreSQL's transaction.
  static constexpr db::Sql add{
      "INSERT INTO \"user\" (password, is_superuser, is_staff, is_active, date_joined, first_name, "
      "last_name, modified_date, creation_date, email, location, phone) "
      "VALUES ($1, $2, $2, $3, $4, $5, $6, $4, $4, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING "
      "id"};
  const auto password = unusable_password();
  const auto text = [](const std::optional<std::string>& value) {
    return value ? std::string_view(*value) : std::string_view();
  };
  std::optional<std::int64_t> id;
  auto done = transaction_.run(
      add,
      {std::string_view(password), false, user.is_active.value_or(true), now, text(user.first_name),
       text(user.last_name), std::string_view(user.email), said(user.location), said(user.phone)},
      [&](const db::Row& row) { id = row.integer(0); });
  if (!done) return fail(done.error());
  if (!id) return false;
  auto linked = link(user.id, *id);
  if (!linked || *linked) return linked;
  // Which is undone by this.
  return fail(Error::unavailable(name_of(user) + " was given another copy meanwhile"));
}

/// False: the remote user has a copy, or the row is one.
Result<bool> RemoteUserStore::link(std::int64_t remote_id, std::int64_t user_id) {
  static constexpr db::Sql add{
      "INSERT INTO easyjwt_remote_user (remote_id, user_id) VALUES ($1, $2) "
      "ON CONFLICT DO NOTHING"};
  // Of a user who was deleted on SQLite by somebody who did not have it mind foreign keys.
  static constexpr db::Sql clear{
      "DELETE FROM easyjwt_remote_user WHERE remote_id = $1 "
      "AND NOT EXISTS (SELECT 1 FROM \"user\" u WHERE u.id = user_id)"};
  auto done = transaction_.run(add, {remote_id, user_id});
  if (!done) return fail(done.error());
  if (*done == 1) return true;
  done = transaction_.run(clear, {remote_id});
  if (!done) return fail(done.error());
  if (*done == 0) return false;
  done = transaction_.run(add, {remote_id, user_id});
  if (!done) return fail(done.error());
  return *done == 1;
}

/// nullopt: it is gone.
Result<std::optional<User>> RemoteUserStore::update(std::int64_t id, const RemoteUser& user,
                                                    Time now) {
  static constexpr db::Sql sql{
      "UPDATE \"user\" SET email = $2, first_name = coalesce($3, first_name), "
      "last_name = coalesce($4, last_name), is_active = coalesce($5, is_active), "
      "location = CASE WHEN $7 THEN $8 ELSE location END, "
      "phone = CASE WHEN $9 THEN $10 ELSE phone END, "
      "modified_date = $6 WHERE id = $1 RETURNING " USER_COLUMNS};
  std::optional<User> updated;
  const auto done = transaction_.run(
      sql,
      {id, std::string_view(user.email), db::value_or_null(user.first_name),
       db::value_or_null(user.last_name), db::value_or_null(user.is_active), now,
       user.location.has_value(), said(user.location), user.phone.has_value(), said(user.phone)},
      [&](const db::Row& row) { updated = read_user(row); });
  if (done) return updated;
  // Somebody took the e-mail since we looked, who may well be another copy.
  if (done.error().code == Errc::conflict) {
    return fail(Error::unavailable("the e-mail of " + name_of(user) + " was taken meanwhile"));
  }
  return fail(done.error());
}

}  // namespace easyjwt
