#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "easyjwt/auth/clients.hpp"
#include "easyjwt/core/error.hpp"
#include "easyjwt/http/form.hpp"
#include "easyjwt/http/request.hpp"

namespace easyjwt {

/// An OAuth client's error (RFC 6749 section 5.2): {"error", "error_description"} with the status
/// of `code`.
Error oauth_error(Errc code, std::string_view error, std::string_view description,
                  std::string reason = {});

/// The body of an endpoint of OAuth's: a form. 415 for any other type; a body of no bytes is an
/// empty form.
Result<http::Form> read_oauth_form(const http::Request& request);
/// A parameter of it. nullopt: absent, or empty, which is the same; 400 invalid_request where it
/// stands there twice (RFC 6749 section 3.2).
Result<std::optional<std::string>> read_parameter(const http::Form& form, std::string_view name);

/// Lets OAuth clients in by their secret: client_secret_basic, and client_secret_post where the
/// view has a form (RFC 6749 section 2.3.1). Any thread.
class ClientGuard {
 public:
  /// WWW-Authenticate of the views behind it.
  static constexpr std::string_view challenge = "Basic realm=\"api\"";
  /// What the metadata calls its ways, as JSON.
  static constexpr std::string_view methods = R"(["client_secret_basic","client_secret_post"])";

  /// `clients` must outlive it.
  explicit ClientGuard(Clients& clients) : clients_(clients) {}

  /// The client whose request it is, if it may do that. 401 invalid_client for no credentials or
  /// wrong ones, 403 insufficient_scope for one that may not, 400 invalid_request for two ways at
  /// once. `form`: the body; null: Basic alone.
  Result<Client> require(const http::Request& request, ClientScope scope,
                         const http::Form* form = nullptr) const;

 private:
  Result<Client> authenticate(const http::Request& request, const http::Form* form) const;

  Clients& clients_;
};

}  // namespace easyjwt
