#include "easyjwt/auth/clients.hpp"

#include "auth/fixture.hpp"
#include "easyjwt/core/bytes.hpp"

namespace easyjwt {
namespace {

using test::words;

class ClientsTest : public test::AuthService {
 protected:
  Clients clients_{*database_, [this] { return now_; }};
};

INSTANTIATE_TEST_SUITE_P(Engines, ClientsTest, db::every_place, db::place_name);

TEST_P(ClientsTest, AreWhoHasTheirSecret) {
  const auto made = *clients_.add(
      "API Gateway", {ClientScope::introspect, ClientScope::revoke, ClientScope::introspect});
  EXPECT_TRUE(made.client.client_id.starts_with("api-gateway-")) << made.client.client_id;
  EXPECT_EQ(made.client.scopes, "introspect revoke");
  EXPECT_EQ(decode_base64url(made.secret.view())->size(), 32u);
  const auto other = *clients_.add("other", {ClientScope::feed});
  EXPECT_NE(other.secret.view(), made.secret.view());

  const auto found = clients_.authenticate(made.client.client_id, made.secret.view());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "API Gateway");
  EXPECT_EQ(found->created_at, now_);
  EXPECT_TRUE(found->may(ClientScope::introspect));
  EXPECT_TRUE(found->may(ClientScope::revoke));
  EXPECT_FALSE(found->may(ClientScope::feed));

  using namespace std::string_view_literals;
  for (const auto& [id, secret] : {std::pair{made.client.client_id, other.secret.view()},
                                   {made.client.client_id, ""sv},
                                   {made.client.client_id, made.secret.view().substr(1)},
                                   {"api-gateway", made.secret.view()},
                                   {made.client.name, made.secret.view()},
                                   {"", ""sv},
                                   {std::string("\0", 1), made.secret.view()},
                                   {made.client.client_id + '\0', made.secret.view()},
                                   {std::string(5000, 'x'), made.secret.view()},
                                   {"' OR 1=1 --", made.secret.view()}}) {
    const auto refused = clients_.authenticate(id, secret);
    ASSERT_FALSE(refused) << id;
    EXPECT_EQ(refused.error().code, Errc::not_authenticated) << id;
  }
}

TEST_P(ClientsTest, TheDatabaseHasNoSecret) {
  const auto made = *clients_.add("a", {ClientScope::feed});
  static constexpr db::Sql rows{
      "SELECT client_id || secret_sha256 || name || scopes FROM easyjwt_client"};
  std::string stored;
  ASSERT_TRUE(database_->read([&](db::Transaction& transaction) {
    return transaction.run(rows, {}, [&](const db::Row& row) { stored += row.text(0); });
  }));
  EXPECT_EQ(stored, made.client.client_id + hex(sha256(std::string(made.secret.view()))) + "afeed");
  // The digest is not the secret.
  const auto digest = hex(sha256(std::string(made.secret.view())));
  EXPECT_FALSE(clients_.authenticate(made.client.client_id, digest));
}

TEST_P(ClientsTest, HaveNamesOfTheirOwn) {
  ASSERT_TRUE(clients_.add(" a ", {}));
  EXPECT_EQ(words(clients_.add("a", {})), "name: There is a client \"a\" already.");
  EXPECT_TRUE(clients_.add("A", {}));
  EXPECT_TRUE(clients_.add("大", {})->client.client_id.starts_with("client-"));
  EXPECT_TRUE(clients_.add("--a_/ B--", {})->client.client_id.starts_with("a-b-"));
  EXPECT_TRUE(clients_.add(std::string(100, 'x'), {}));
  for (const std::string& name :
       {std::string(), std::string("  "), std::string(101, 'x'), std::string("a\nb"),
        std::string("a\x1b[2J"), std::string("\xff"), std::string("a\0b", 3)}) {
    EXPECT_EQ(words(clients_.add(name, {})),
              "name: A name has 1 to 100 characters that can be shown.")
        << name;
  }
  std::string names;
  const auto list = clients_.list();
  for (const auto& client : *list) names += client.name.substr(0, 3) + ' ';
  EXPECT_EQ(list->size(), 5u) << names;
}

TEST_P(ClientsTest, AreRefusedOnceTheyAreRemoved) {
  const auto a = *clients_.add("a", {ClientScope::feed}), b = *clients_.add("b", {});
  EXPECT_TRUE(*clients_.remove("a"));
  EXPECT_FALSE(*clients_.remove("a"));
  EXPECT_FALSE(*clients_.remove(""));
  EXPECT_FALSE(clients_.authenticate(a.client.client_id, a.secret.view()));
  EXPECT_TRUE(clients_.authenticate(b.client.client_id, b.secret.view()));
  EXPECT_TRUE(*clients_.remove(b.client.client_id));
  EXPECT_TRUE(clients_.list()->empty());
}

TEST_P(ClientsTest, AnIdComesBeforeAName) {
  const auto a = *clients_.add("a", {});
  ASSERT_TRUE(clients_.add(a.client.client_id, {}));
  EXPECT_TRUE(*clients_.remove(a.client.client_id));
  ASSERT_EQ(clients_.list()->size(), 1u);
  EXPECT_EQ(clients_.list()->front().name, a.client.client_id);
}

TEST(ClientScopes, AreWholeWords) {
  for (const auto scope : {ClientScope::introspect, ClientScope::revoke, ClientScope::feed}) {
    EXPECT_EQ(parse_client_scope(to_string(scope)), scope);
  }
  EXPECT_FALSE(parse_client_scope("Feed"));
  EXPECT_FALSE(parse_client_scope(""));
  Client client;
  client.scopes = "introspection later feeds  revoke";
  EXPECT_FALSE(client.may(ClientScope::introspect));
  EXPECT_FALSE(client.may(ClientScope::feed));
  EXPECT_TRUE(client.may(ClientScope::revoke));
}

}  // namespace
}  // namespace easyjwt
