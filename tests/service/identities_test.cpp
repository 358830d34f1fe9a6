#include "service/identities.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "easyjwt/db/migrations.hpp"
#include "user/related_tables.hpp"

namespace easyjwt {
namespace {

const Time now = *parse_time("2026-11-23T12:00:00.250000Z");

json::object parsed(std::string_view text) {
  auto value = parse_json(text);
  if (!value) throw std::runtime_error("no JSON: " + std::string(text));
  return value->as_object();
}

/// Copies of remote users with something beside them.
class IdentitiesTest : public testing::TestWithParam<db::Place> {
 protected:
  IdentitiesTest() {
    if (auto done = db::migrate(*database_, [] { return now; }); !done) {
      throw std::runtime_error(done.error().reason);
    }
    test::create(*database_, test::access_group_table);
    test::create(*database_, test::thing_table);
    auto bound = BoundSerializer::bind(
        make_declared_serializer(
            {.fields = {"id", "email", "first_name", "phone", "is_staff", "is_superuser"},
             .related = {{"accessgroup",
                          {.table = "userdata_accessgroup", .fields = {"user_type"}}},
                         {"things", {.table = "thing", .fields = {"label"}, .many = true}}}}),
        *database_, RelatedTables::Use::writing);
    if (!bound) throw std::runtime_error(bound.error().reason);
    serializer_ = *std::move(bound);
    identities_.emplace(*database_, serializer_.get(), "Mine", [] { return now; });
  }

  IdentityResult admit(std::string_view user) { return identities_->of_remote_user(parsed(user)); }

  /// All that a copy holds, and what is beside it.
  std::string stored() {
    static constexpr db::Sql sql{
        "SELECT u.email || ' ' || u.first_name || '-' || u.last_name || ' ' || coalesce(u.phone, "
        "'no phone') || ' ' || CASE WHEN u.is_active THEN 'active' ELSE 'inactive' END || CASE "
        "WHEN u.is_staff OR u.is_superuser THEN ' staff' ELSE '' END || ' ' || coalesce((SELECT "
        "user_type FROM userdata_accessgroup WHERE user_id = u.id), 'no group') || ' ' || (SELECT "
        "count(*) FROM thing WHERE user_id = u.id) FROM \"user\" u ORDER BY u.id"};
    std::string out;
    const auto done = database_->read([&](db::Transaction& transaction) {
      out.clear();
      return transaction.run(sql, {}, [&](const db::Row& row) {
        out += out.empty() ? "" : "; ";
        out += row.text(0);
      });
    });
    return done ? out : done.error().reason;
  }

  db::TestDatabase place_{GetParam(), true};
  std::unique_ptr<db::Database> database_ = place_.open();
  std::unique_ptr<const BoundSerializer> serializer_;
  std::optional<Identities> identities_;
};

INSTANTIATE_TEST_SUITE_P(Engines, IdentitiesTest, db::every_place, db::place_name);

TEST_P(IdentitiesTest, ExtraDataIsWrittenWithTheCopyAndOnlyWhenItChanges) {
  const std::string alice =
      R"({"id":7,"email":"a@example.com","first_name":"A","last_name":"ignored","phone":"1",)"
      R"("is_active":false,"is_staff":true,"is_superuser":true,)";
  const std::string first = alice + R"("accessgroup":{"user_type":"A"},"things":[{"label":"x"}]})";
  const auto identity = admit(first);
  ASSERT_TRUE(identity) << identity.error().reason;
  EXPECT_EQ((*identity)->user.at("accessgroup").at("user_type"), "A");
  EXPECT_FALSE((*identity)->is_staff);
  EXPECT_EQ(stored(), "a@example.com A- 1 active A 1");

  const auto before = database_->counters().writes;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(admit(first));
  EXPECT_EQ(database_->counters().writes, before);

  ASSERT_TRUE(admit(alice + R"("accessgroup":{"user_type":"AB"},"things":[]})"));
  EXPECT_EQ(stored(), "a@example.com A- 1 active AB 0");
  EXPECT_EQ(database_->counters().writes, before + 1);
  ASSERT_TRUE(admit(R"({"id":7,"email":"a@example.com","phone":null,"accessgroup":null,)"
                    R"("things":[]})"));
  EXPECT_EQ(stored(), "a@example.com A- no phone active no group 0");
  // What is not said of the user's own fields stays.
  ASSERT_TRUE(admit(R"({"id":7,"email":"a@example.com","accessgroup":null,"things":[]})"));
  EXPECT_EQ(database_->counters().writes, before + 2);
}

TEST_P(IdentitiesTest, WhatCannotBeIsRefusedAndNothingIsHalfWritten) {
  ASSERT_TRUE(admit(R"({"id":8,"email":"b@example.com","first_name":"B",)"
                    R"("accessgroup":{"user_type":"B"},"things":[{"label":"taken"}]})"));
  const auto before = stored();
  const std::string group = R"("accessgroup":{"user_type":"A"},)";
  for (const auto& rest :
       {std::string(R"("things":[]})"), group + R"("x":[]})", group + R"("things":null})",
        group + R"("things":{}})", group + R"("things":[{"label":1}]})",
        group + R"("things":[{"label":"new"},{"label":"taken"}]})",
        group + R"("phone":1,"things":[]})", group + R"("phone":"1234567890123456","things":[]})",
        group + R"("things":[],"accessgroup":{"user_type":null}})",
        group + R"("things":[],"accessgroup":[]})"}) {
    // A new user, and one whose copy is there: its e-mail and name would change, too.
    for (const std::string user : {R"({"id":7,"email":"a@example.com",)",
                                   R"({"id":8,"email":"c@example.com","first_name":"C",)"}) {
      const auto refused = admit(user + rest);
      if (user.find("\"id\":8") != user.npos && rest.find("\"taken\"") != rest.npos) continue;
      ASSERT_FALSE(refused) << user << rest;
      EXPECT_EQ(refused.error().code, Errc::auth_service_refused);
      EXPECT_EQ(refused.error().detail.str(),
                "Integrity error with USER_MODEL_SERIALIZER: Mine failed to parse the received "
                "payload from the auth server.");
      EXPECT_FALSE(refused.error().reason.empty());
      EXPECT_EQ(stored(), before) << user << rest;
    }
    ASSERT_TRUE(admit(R"({"id":8,"email":"b@example.com","first_name":"B",)"
                      R"("accessgroup":{"user_type":"B"},"things":[{"label":"taken"}]})"));
  }
}

TEST_P(IdentitiesTest, OfAnAuthServicesOwnUserTheExtraDataIsThere) {
  ASSERT_TRUE(admit(R"({"id":7,"email":"a@example.com","accessgroup":{"user_type":"A"},)"
                    R"("things":[]})"));
  const auto user = database_->read([](db::Transaction& transaction) {
    return UserStore(transaction).find_by_email("a@example.com");
  });
  ASSERT_TRUE(user && *user);
  const auto identity = identities_->of_user(**user);
  ASSERT_TRUE(identity);
  EXPECT_EQ((*identity)->user.at("accessgroup").at("user_type"), "A");
  EXPECT_FALSE((*identity)->user.contains("password"));
}

}  // namespace
}  // namespace easyjwt
