#include "service/admin/user_deeds.hpp"

#include <algorithm>
#include <utility>

#include "easyjwt/user/group_store.hpp"
#include "easyjwt/user/remote_user_store.hpp"
#include "service/revocation_feed.hpp"

namespace easyjwt::admin {
namespace {

tl::unexpected<Error> refuse(std::string_view why, const User& user) {
  return fail(refusal({why, {user.email}}));
}

}  // namespace

Error refusal(Text why) { return Error::field("", std::move(why)); }

Text reason_of(const Error& refusal) {
  for (const auto& field : refusal.fields) return field.texts.front();
  return refusal.detail;
}

Result<bool> UserDeeds::may_touch(db::Transaction& transaction, const Visit& visit,
                                  const User& user) const {
  if (visit.user.is_superuser || user.id == visit.user.id) return true;
  if (user.is_superuser) return false;
  const auto theirs = GroupStore(transaction).grants(user.id);
  if (!theirs) return fail(theirs.error());
  return std::ranges::includes(visit.identity.groups, theirs->groups) &&
         std::ranges::includes(visit.identity.permissions, theirs->permissions);
}

Result<void> UserDeeds::check(db::Transaction& transaction, const Visit& visit,
                              const User& user) const {
  const auto may = may_touch(transaction, visit, user);
  if (!may) return fail(may.error());
  if (*may) return {};
  return refuse("{} may do what you may not: only a superuser can do that to them."_t, user);
}

Result<void> UserDeeds::check_loss(db::Transaction& transaction, const Visit& visit,
                                   const User& before, const User& after) const {
  const auto stays = [](const User& user) { return user.is_active && user.is_staff; };
  if (before.id == visit.user.id && stays(before) && !stays(after)) {
    return refuse("You are {}: nobody can lock themselves out."_t, before);
  }
  const auto reigns = [](const User& user) { return user.is_active && user.is_superuser; };
  if (!reigns(before) || reigns(after)) return {};
  const auto other = UserStore(transaction).hold_other_superuser(before.id);
  if (!other) return fail(other.error());
  if (!*other) return refuse("{} is the last active superuser."_t, before);
  return {};
}

Result<std::vector<Text>> UserDeeds::belongings(db::Transaction& transaction,
                                                std::int64_t id) const {
  const auto found = UserStore(transaction).count_belongings(id);
  if (!found) return fail(found.error());
  std::vector<Text> out;
  const auto add = [&](std::string_view text, std::int64_t n) {
    if (n > 0) out.push_back({text, {std::to_string(n)}});
  };
  add("Outstanding tokens, which are blacklisted: {}"_t, found->tokens);
  add("Sessions at browsers: {}"_t, found->sessions);
  add("Memberships in groups: {}"_t, found->groups);
  add("Permissions of their own: {}"_t, found->permissions);
  add("Entries in the log, of what they did here: {}"_t, found->log_entries);
  return out;
}

Result<std::int64_t> UserDeeds::perform(const Visit& visit, UserDeed deed,
                                        std::vector<std::int64_t> ids) const {
  std::ranges::sort(ids);  // in one order, so that two never wait for each other
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const auto& tools = site_.tools();
  auto count = tools.database.write([&](db::Transaction& transaction) -> Result<std::int64_t> {
    std::int64_t n = 0;
    for (const auto id : ids) {
      auto user = UserStore(transaction).hold(id);
      if (!user) return fail(user.error());
      if (!*user) continue;
      const auto done = perform(transaction, visit, deed, **std::move(user));
      if (!done) return fail(done.error());
      ++n;
    }
    return n;
  });
  if (count && deed != UserDeed::activate && tools.feed != nullptr) tools.feed->let_second_pass();
  return count;
}

Result<void> UserDeeds::perform(db::Transaction& transaction, const Visit& visit, UserDeed deed,
                                User user) const {
  if (auto good = check(transaction, visit, user); !good) return good;
  if (deed == UserDeed::remove) return remove(transaction, visit, user);
  const auto& tools = site_.tools();
  const bool is_active = deed == UserDeed::activate;
  std::string_view what = "Logged out everywhere"_t;
  if (deed != UserDeed::log_out) {
    if (user.is_active == is_active) return {};
    const auto remote_id = RemoteUserStore(transaction).find_remote_id(user.id);
    if (!remote_id) return fail(remote_id.error());
    if (*remote_id) {
      return refuse("{} is a user of the authentication service, which says who is active."_t,
                    user);
    }
    auto after = user;
    after.is_active = is_active;
    if (auto good = check_loss(transaction, visit, user, after); !good) return good;
    if (auto done = UserStore(transaction).update(after, tools.clock()); !done) return done;
    what = "Active"_t;
  }
  // What somebody had before they were locked out does not stand again once they are let in.
  if (deed != UserDeed::activate) {
    if (auto done = tools.accounts.end_logins(transaction, user); !done) return done;
  }
  return site_.record(transaction, visit, user_model, std::to_string(user.id), user.email,
                      AdminAction::change, changed_message({what}));
}

Result<void> UserDeeds::remove(db::Transaction& transaction, const Visit& visit,
                               const User& user) const {
  if (user.id == visit.user.id) return refuse("You are {}: nobody can delete themselves."_t, user);
  if (auto good = check_loss(transaction, visit, user, User{.is_active = false}); !good)
    return good;
  // They stay blacklisted: where tokens name an e-mail, it may be another's tomorrow.
  if (auto done = site_.tools().accounts.end_logins(transaction, user); !done) return done;
  if (auto done = UserStore(transaction).remove(user.id); !done) return fail(done.error());
  return site_.record(transaction, visit, user_model, std::to_string(user.id), user.email,
                      AdminAction::remove, "");
}

}  // namespace easyjwt::admin
