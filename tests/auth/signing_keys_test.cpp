#include "easyjwt/auth/signing_keys.hpp"

#include "auth/fixture.hpp"

namespace easyjwt {
namespace {

using namespace std::chrono_literals;
using State = SigningKey::State;
using States = std::vector<State>;

constexpr auto es256 = jose::Algorithm::es256;

class SigningKeysTest : public test::AuthService {
 protected:
  SigningKeysTest() {
    token_settings_.refresh_lifetime = 1h;
    token_settings_.sliding_refresh_lifetime = 1h;
  }

  SigningKeys keys(const Secret& secret = ours_, std::span<const Secret> fallbacks = {}) {
    return SigningKeys(token_settings_, secret, fallbacks, *database_, [this] { return now_; });
  }
  std::string rotate(jose::Algorithm algorithm = es256) {
    const auto kid = keys().rotate(algorithm, 10min, 2048);
    EXPECT_TRUE(kid) << kid.error().reason;
    return kid.value_or("");
  }
  States states() {
    States out;
    const auto list = keys().list();
    EXPECT_TRUE(list);
    for (const auto& key : *list) out.push_back(key.state(now_));
    return out;
  }
  std::unique_ptr<const KeyRing> ring() {
    auto made = keys().ring();
    EXPECT_TRUE(made) << made.error().reason;
    return *std::move(made);
  }
  /// A codec that goes by the ring of now.
  TokenCodec codec() {
    rings_.push_back(ring());
    return TokenCodec(token_settings_, {}, [ring = rings_.back().get()] { return ring; });
  }
  std::string token(const TokenCodec& codec) {
    return codec.encode(codec.new_claims(TokenType::refresh, std::int64_t{1}, {}, "an-id", now_));
  }
  bool stands(const std::string& raw) {
    Scratch scratch;
    return codec().decode(raw, now_, scratch).has_value();
  }
  static std::string header(const std::string& raw) {
    return decode_base64url(raw.substr(0, raw.find('.'))).value();
  }

  static inline const Secret ours_{"a secret of fifty characters or so, which nobody guesses"};
  std::vector<std::unique_ptr<const KeyRing>> rings_;
};

INSTANTIATE_TEST_SUITE_P(Engines, SigningKeysTest, db::every_place, db::place_name);

TEST_P(SigningKeysTest, TheSettingsKeyAloneNeedsNoRing) {
  EXPECT_EQ(ring(), nullptr);
  EXPECT_EQ(states(), States{State::signing});
  EXPECT_EQ(token(codec()), token(TokenCodec(token_settings_)));
}

TEST_P(SigningKeysTest, ARotationFromASharedSecretRefusesNoGoodToken) {
  const auto by_settings = token(codec());
  const auto kid = rotate();
  EXPECT_EQ(states(), (States{State::signing, State::published}));
  EXPECT_NE(ring()->published().find(kid), std::string::npos);
  // Published is not signing, for another ten minutes.
  now_ += 10min - 1s;
  const auto last_by_settings = token(codec());
  EXPECT_EQ(header(last_by_settings), R"({"alg":"HS256","typ":"JWT"})");
  EXPECT_TRUE(stands(by_settings));
  now_ += 1s;
  EXPECT_EQ(states(), (States{State::verifying, State::signing}));
  const auto by_new = token(codec());
  EXPECT_EQ(header(by_new), R"({"alg":"ES256","typ":"JWT","kid":")" + kid + "\"}");
  EXPECT_TRUE(stands(by_new));
  EXPECT_TRUE(stands(by_settings));
  now_ += 1h - 2s;
  EXPECT_TRUE(stands(last_by_settings));
  // The last token of the old key is dead, and the key with it.
  now_ += 1min + 2s;
  EXPECT_EQ(states(), States{State::signing});
  EXPECT_EQ(codec().ring()->members().size(), 1u);
  token_settings_.leeway = 86400;
  EXPECT_FALSE(stands(last_by_settings));
  EXPECT_TRUE(stands(by_new));
}

TEST_P(SigningKeysTest, OneAfterTheOther) {
  for (const auto algorithm : {jose::Algorithm::hs512, jose::Algorithm::eddsa, es256}) {
    const auto kid = rotate(algorithm);
    EXPECT_FALSE(keys().rotate(algorithm, 10min, 2048));  // the last does not sign yet
    now_ += 10min;
    EXPECT_EQ(ring()->signing().kid, kid);
  }
  EXPECT_EQ(states(),
            (States{State::verifying, State::verifying, State::verifying, State::signing}));
  now_ += 2h;
  rotate();
  static constexpr db::Sql rows{"SELECT count(*) FROM easyjwt_key WHERE kid <> ''"};
  EXPECT_EQ(count(rows), 2);  // the dead are gone
}

TEST_P(SigningKeysTest, ASharedSecretIsPublishedNowhere) {
  rotate(jose::Algorithm::hs256);
  EXPECT_EQ(ring()->published(), R"({"keys":[]})");
}

TEST_P(SigningKeysTest, AKeyIsOfItsAlgorithmAndItsNameAlone) {
  const auto kid = rotate();
  now_ += 10min;
  // The settings' secret, which still verifies, under the new key's name or one of nobody.
  const auto forge = [&](std::string_view name) {
    std::string raw;
    jose::sign_compact(
        R"({"token_type":"refresh","exp":99999999999,"iat":1,"jti":"x","user_id":1})",
        codec_->key(), jose::make_header(jose::Algorithm::hs256, "JWT", name), raw);
    return raw;
  };
  EXPECT_FALSE(stands(forge(kid)));
  EXPECT_FALSE(stands(forge("settings")));
  EXPECT_TRUE(stands(forge("")));
}

TEST_P(SigningKeysTest, IsEncryptedUnderSecretKey) {
  rotate();
  static constexpr db::Sql clear{
      "SELECT count(*) FROM easyjwt_key WHERE sealed LIKE '%PRIVATE%' OR sealed LIKE '%LS0tLS%'"};
  EXPECT_EQ(count(clear), 0);
  const auto list = keys().list();
  const auto refused = keys(Secret("another")).ring(*list);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_NE(refused.error().reason.find("SECRET_KEY"), std::string::npos);
  EXPECT_TRUE(keys(Secret("another"), std::span(&ours_, 1)).ring(*list));
}

TEST_P(SigningKeysTest, AKeyMovedToAnotherRowDoesNotOpen) {
  rotate();
  now_ += 10min;
  rotate();
  static constexpr db::Sql swap{
      "UPDATE easyjwt_key SET sealed = (SELECT max(sealed) FROM easyjwt_key) WHERE kid <> ''"};
  sql(swap);
  EXPECT_FALSE(keys().ring());
}

TEST_P(SigningKeysTest, RetiresWhatIsNotInUse) {
  EXPECT_FALSE(keys().retire("settings"));
  EXPECT_FALSE(keys().retire("nothing"));
  const auto by_settings = token(codec());
  // Taken back before it signed.
  auto kid = rotate();
  EXPECT_TRUE(keys().retire(kid));
  EXPECT_EQ(states(), States{State::signing});
  EXPECT_EQ(ring(), nullptr);

  kid = rotate();
  now_ += 10min;
  EXPECT_FALSE(keys().retire(kid));  // it signs
  EXPECT_TRUE(stands(by_settings));
  EXPECT_TRUE(keys().retire("settings"));
  EXPECT_FALSE(stands(by_settings));
  EXPECT_FALSE(keys().retire("settings"));

  const auto by_first = token(codec());
  const auto second = rotate();
  EXPECT_TRUE(keys().retire(second));
  EXPECT_EQ(states(), States{State::signing});
  rotate();
  now_ += 10min;
  EXPECT_TRUE(stands(by_first));
  EXPECT_TRUE(keys().retire(kid));
  EXPECT_FALSE(stands(by_first));
}

TEST_P(SigningKeysTest, OfTwoNodesOneRotates) {
  // As if the other had read before this one wrote.
  rotate();
  now_ += 10min;
  const auto first = rotate();
  now_ -= 1s;  // the other's clock
  const auto second = keys().rotate(es256, 10min, 2048);
  EXPECT_FALSE(second);
  EXPECT_EQ(states().size(), 3u);
  EXPECT_NE(first, "");
}

}  // namespace
}  // namespace easyjwt
