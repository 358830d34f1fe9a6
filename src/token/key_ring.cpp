#include "easyjwt/token/key_ring.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "easyjwt/jose/jwk.hpp"

namespace easyjwt {

KeyRing::KeyRing(std::vector<Member> members, std::size_t signing)
    : members_(std::move(members)), signing_(signing) {
  if (signing_ >= members_.size() || !members_[signing_].key.can_sign()) {
    throw std::invalid_argument("no key signs");
  }
  for (std::size_t i = 0; i < members_.size(); ++i) {
    auto& member = members_[i];
    member.header = jose::make_header(member.key.algorithm(), "JWT", member.kid);
    const bool is_second =
        std::any_of(members_.begin(), members_.begin() + static_cast<long>(i),
                    [&](const Member& other) { return other.kid == member.kid; });
    if (is_second) throw std::invalid_argument("two keys of the kid \"" + member.kid + "\"");
    if (jose::is_hmac(member.key.algorithm())) continue;
    if (!published_.empty()) published_ += ',';
    published_ += jose::public_jwk(member.key,
                                   member.kid.empty() ? jose::thumbprint(member.key) : member.kid);
  }
  published_ = R"({"keys":[)" + published_ + "]}";
}

const jose::Key* KeyRing::find_by_header(std::string_view header) const noexcept {
  const auto found = std::ranges::find(members_, header, &Member::header);
  return found == members_.end() ? nullptr : &found->key;
}

jose::Candidates KeyRing::find(jose::Algorithm algorithm,
                               std::optional<std::string_view> kid) const {
  jose::Candidates found;
  for (const auto& member : members_) {
    if (member.kid == kid.value_or("") && member.key.algorithm() == algorithm) {
      found.add(member.key);
    }
  }
  return found;
}

}  // namespace easyjwt
