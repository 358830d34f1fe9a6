#pragma once

#include <optional>
#include <string_view>

namespace easyjwt {

/// The classes of tokens (the original's easyjwt_auth.tokens).
enum class TokenType { access, refresh, sliding, untyped };

/// What stands in the token_type claim: "access".
constexpr std::string_view to_string(TokenType type) noexcept {
  switch (type) {
    case TokenType::access: return "access";
    case TokenType::refresh: return "refresh";
    case TokenType::sliding: return "sliding";
    case TokenType::untyped: break;
  }
  return "untyped";
}

/// The original's class: "AccessToken".
constexpr std::string_view class_name(TokenType type) noexcept {
  switch (type) {
    case TokenType::access: return "AccessToken";
    case TokenType::refresh: return "RefreshToken";
    case TokenType::sliding: return "SlidingToken";
    case TokenType::untyped: break;
  }
  return "UntypedToken";
}

constexpr std::optional<TokenType> token_type_of_class(std::string_view name) noexcept {
  for (const auto type :
       {TokenType::access, TokenType::refresh, TokenType::sliding, TokenType::untyped}) {
    if (class_name(type) == name) return type;
  }
  return std::nullopt;
}

}  // namespace easyjwt
