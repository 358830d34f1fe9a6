// The whole way of a stranger's token: compact JWS, header, payload, claims. The input is a payload
// that is signed rightly, and a raw token; the latter must never be taken unless it is the former.

#include "easyjwt/jose/jws.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "easyjwt/token/codec.hpp"

namespace {

easyjwt::TokenSettings settings() {
  easyjwt::TokenSettings s;
  s.signing_key = easyjwt::Secret("d577273ff885c3f84dadb8578bb40000");
  s.audience = {"fleet"};
  return s;
}

const easyjwt::Time now = *easyjwt::parse_time("2026-11-23T12:00:00Z");

/// What is read without a tree is what the tree says.
void compare(std::string_view payload) {
  static easyjwt::FlatObject flat;
  if (!flat.read(payload)) return;
  const auto tree = easyjwt::parse_json(payload);
  if (!tree || !tree->is_object() || tree->get_object().size() > flat.size()) std::abort();
  for (const auto& member : tree->get_object()) {
    if (flat.find(member.key()) != easyjwt::find_claim(tree->get_object(), member.key())) {
      std::abort();
    }
  }
}

void judge(const easyjwt::TokenCodec& codec, std::string_view raw, bool forged) {
  static easyjwt::Scratch scratch;
  const auto claims = codec.decode(raw, now, scratch);
  if (!claims) return;
  if (forged) std::abort();
  (void)codec.check(*claims, easyjwt::TokenType::access);
  (void)codec.check_refresh_window(*claims, now);
  (void)codec.user_id(*claims);
  // Whatever was taken can be made into tokens of ours, and those are taken again.
  const auto access = codec.encode(codec.access_claims(claims->members(), "new", now));
  static easyjwt::Scratch second;
  if (access.size() <= easyjwt::jose::max_token_size && !codec.decode(access, now, second)) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const easyjwt::TokenCodec codec(settings());
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string raw;
  easyjwt::jose::sign_compact(input, codec.key(), raw);
  compare(input);
  judge(codec, raw, false);
  judge(codec, input, true);
  return 0;
}
