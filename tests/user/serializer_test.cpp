#include "easyjwt/user/serializer.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/db/migrations.hpp"
#include "user/related_tables.hpp"

namespace easyjwt {
namespace {

using Fields = std::vector<std::string>;

const Time now = *parse_time("2026-11-23T12:00:00.250000Z");

/// What is wrong with a declared serializer, and under which key; empty for nothing.
std::string refusal(SerializerSettings settings) {
  try {
    BoundSerializer::check(*make_declared_serializer(std::move(settings)));
    return {};
  } catch (const SettingsError& error) {
    return error.key + ": " + error.what();
  }
}

SerializerSettings::Nested access_group() {
  return {.name = "accessgroup",
          .table = {.table = "userdata_accessgroup", .fields = {"user_type"}, .setting = "S"}};
}

TEST(SerializerTest, FieldsAreThoseThatAnybodyMaySee) {
  EXPECT_EQ(refusal({.fields = {"email", "id", "phone", "location", "modified_date"}}), "");
  EXPECT_EQ(refusal({.fields = {"id", "email", "password"}}),
            "EASY_JWT.USER_MODEL_SERIALIZER.fields: \"password\" is shown to nobody");
  for (const auto& fields : {Fields{"id"}, Fields{"email"}, Fields{"id", "email", "id"},
                             Fields{"id", "email", "Password"}, Fields{"id", "email", "groups"},
                             Fields{"id", "email", ""}, Fields{"id", "email", "*"},
                             Fields{"id", "email", "user_permissions"}}) {
    EXPECT_NE(refusal({.fields = fields}), "") << testing::PrintToString(fields);
  }
}

TEST(SerializerTest, MembersHaveNamesOfTheirOwn) {
  const auto named = [](const char* name) {
    auto nested = access_group();
    nested.name = name;
    return refusal({.related = {nested}});
  };
  EXPECT_EQ(named("accessgroup"), "");
  EXPECT_EQ(named(""), "S.name: must not be empty");
  // A client-service would take it for the user's.
  EXPECT_EQ(named("is_active"), "S.name: \"is_active\" is a member's name already");
  EXPECT_EQ(named("phone"), "S.name: \"phone\" is a member's name already");
  EXPECT_NE(refusal({.related = {access_group(), access_group()}}), "");
}

class BoundSerializerTest : public testing::TestWithParam<db::Place> {
 protected:
  BoundSerializerTest() {
    if (auto done = db::migrate(*database_, [] { return now; }); !done) {
      throw std::runtime_error(done.error().reason);
    }
    test::create(*database_, test::access_group_table);
    user_.password = "argon2$secret";
    user_.email = "alice@example.com";
    user_.first_name = "Alice";
    user_.phone = "123";
    user_.date_joined = now;
    const auto id = database_->write(
        [&](db::Transaction& transaction) { return UserStore(transaction).insert(user_, now); });
    if (!id) throw std::runtime_error(id.error().reason);
    user_.id = *id;
  }

  std::unique_ptr<const BoundSerializer> bind(std::unique_ptr<const UserSerializer> serializer) {
    auto bound =
        BoundSerializer::bind(std::move(serializer), *database_, RelatedTables::Use::writing);
    if (!bound) throw std::runtime_error(bound.error().reason);
    return *std::move(bound);
  }
  std::string shown(const BoundSerializer& serializer) {
    const auto object = database_->read(
        [&](db::Transaction& transaction) { return serializer.to_json(transaction, user_); });
    std::string out;
    if (object) append_json(out, *object);
    return object ? out : object.error().reason;
  }
  Result<void> save(const BoundSerializer& serializer, bool is_new, const json::object& data) {
    return database_->write([&](db::Transaction& transaction) {
      return serializer.save(transaction, user_, is_new, data);
    });
  }

  db::TestDatabase place_{GetParam(), true};
  std::unique_ptr<db::Database> database_ = place_.open();
  User user_;
};

INSTANTIATE_TEST_SUITE_P(Engines, BoundSerializerTest, db::every_place, db::place_name);

TEST_P(BoundSerializerTest, ADeclaredOneShowsItsFieldsInOrderAndItsRows) {
  const auto serializer = bind(make_declared_serializer(
      {.fields = {"email", "id", "phone", "location"}, .related = {access_group()}}));
  const auto id = std::to_string(user_.id);
  EXPECT_EQ(shown(*serializer), R"({"email":"alice@example.com","id":)" + id +
                                    R"(,"phone":"123","location":null,"accessgroup":null})");
  ASSERT_TRUE(save(*serializer, true, {{"accessgroup", {{"user_type", "A"}}}}));
  EXPECT_EQ(shown(*serializer),
            R"({"email":"alice@example.com","id":)" + id +
                R"(,"phone":"123","location":null,"accessgroup":{"user_type":"A"}})");
}

TEST_P(BoundSerializerTest, WithoutFieldsItShowsWhatTheStandardOneDoes) {
  const auto serializer = bind(make_declared_serializer({.related = {access_group()}}));
  EXPECT_EQ(shown(*serializer),
            R"({"id":)" + std::to_string(user_.id) +
                R"(,"first_name":"Alice","email":"alice@example.com","last_name":"",)"
                R"("date_joined":"2026-11-23T12:00:00.250000Z","last_login":null,"is_active":true,)"
                R"("is_staff":false,"is_superuser":false,"accessgroup":null})");
}

/// The README's, in C++: as a service of one's own writes it.
class AccessGroupSerializer final : public UserSerializer {
 public:
  Fields fields() const override { return {"id", "email"}; }
  std::vector<RelatedTable> related() const override {
    return {{.table = "userdata_accessgroup", .fields = {"user_type"}}};
  }
  Result<void> to_json(const VisibleUser& user, RelatedStore& store,
                       json::object& out) const override {
    auto group = store.get("userdata_accessgroup", user.id());
    if (!group) return fail(group.error());
    out["accessgroup"] = *std::move(group);
    out["label"] = user.first_name() + " <" + user.email() + ">";
    return {};
  }
  Result<void> create(const VisibleUser& user, const json::object&,
                      RelatedStore& store) const override {
    const json::value guest{{"user_type", "new"}};
    return store.set("userdata_accessgroup", user.id(), &guest);
  }
  Result<void> update(const VisibleUser& user, const json::object& data,
                      RelatedStore& store) const override {
    return store.set("userdata_accessgroup", user.id(), data.if_contains("accessgroup"));
  }
};

TEST_P(BoundSerializerTest, AClassSaysWhatIsShownCreatedAndUpdated) {
  const auto serializer = bind(std::make_unique<AccessGroupSerializer>());
  const json::object data{{"accessgroup", {{"user_type", "A"}}}};
  const auto is_current = [&] {
    return *database_->read([&](db::Transaction& transaction) {
      return serializer->is_current(transaction, user_, data);
    });
  };
  ASSERT_TRUE(save(*serializer, true, data));
  EXPECT_EQ(shown(*serializer),
            R"({"id":)" + std::to_string(user_.id) +
                R"(,"email":"alice@example.com","accessgroup":{"user_type":"new"},)"
                R"("label":"Alice <alice@example.com>"})");
  EXPECT_FALSE(is_current());
  ASSERT_TRUE(save(*serializer, false, data));
  EXPECT_TRUE(is_current());
  EXPECT_TRUE(serializer->has_field("email"));
  EXPECT_FALSE(serializer->has_field("is_active"));
  // A member that is not there is an Error, and no reason to write.
  const auto judged = database_->read(
      [&](db::Transaction& transaction) { return serializer->is_current(transaction, user_, {}); });
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().code, Errc::validation_error);
}

TEST_P(BoundSerializerTest, AClassThatReachesForTheFrameworksTablesIsRefused) {
  struct Greedy final : UserSerializer {
    std::vector<RelatedTable> related() const override {
      return {{.table = "User", .foreign_key = "id", .fields = {"password"}}};
    }
  };
  EXPECT_THROW(bind(std::make_unique<Greedy>()), SettingsError);
}

}  // namespace
}  // namespace easyjwt
