#include "service/system_checks.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "easyjwt/core/unicode.hpp"
#include "easyjwt/jose/key.hpp"
#include "easyjwt/token/codec.hpp"
#include "easyjwt/user/hasher.hpp"
#include "easyjwt/user/validators.hpp"
#include "service/catalogue/catalogue.hpp"
#include "service/client_authentication.hpp"
#include "service/client_service.hpp"
#include "service/remote_keys.hpp"
#include "service/settings_table.hpp"

namespace easyjwt {
namespace {

/// Gathers warnings, each with the place where its key was set.
class Checks {
 public:
  explicit Checks(const LoadedSettings& loaded) : loaded_(loaded), s_(loaded.settings) {}

  void always() {
    for (const auto& warning : loaded_.warnings) warnings_.push_back({"easyjwt.W001", warning});
    if (s_.kind == ServiceKind::client) {
      check_client();
    } else {
      check_auth();
    }
    if (s_.allowed_hosts.empty()) {
      warn("W004", "ALLOWED_HOSTS", "is empty: every request is refused but /healthz and /readyz");
    }
  }

  void check_auth() {
    check_signing_key_size();
    if (s_.auth.blacklist_after_rotation && !s_.auth.token_blacklist) {
      warn("W003", "EASY_JWT.BLACKLIST_AFTER_ROTATION",
           "does nothing without easyjwt_auth.token_blacklist in INSTALLED_APPS");
    }
    if (s_.auth.detect_reuse && s_.auth.rotation_grace == 0) {
      warn("W023", "EASY_JWT.DETECT_REUSE",
           "is on without a ROTATION_GRACE: whoever refreshes twice at a time, or once more after "
           "an answer that was lost, is logged out");
    }
    check_jwk_url();
    const auto& mailer = s_.mailer;
    if (!s_.debug && !mailer.host.empty() && !mailer.use_tls && !mailer.use_ssl &&
        crosses_network_in_clear("http://" + mailer.host)) {
      warn("W025", "EMAIL_HOST",
           "is another machine, without EMAIL_USE_TLS or EMAIL_USE_SSL: whoever is on the way "
           "reads the links to new passwords, and the password of EMAIL_HOST_USER");
    }
  }

  void check_client() {
    if (!s_.debug && !s_.remote.ssl_verify) {
      warn("W007", "EASY_JWT.REMOTE_AUTH_SSL_VERIFY",
           "is off: HTTP requests to the auth service will not verify SSL certificates");
    }
    if (!s_.debug && crosses_network_in_clear(s_.remote.service_url)) {
      warn("W008", "EASY_JWT.REMOTE_AUTH_SERVICE_URL",
           "uses http://: credentials and tokens will be transmitted in cleartext");
    }
    if (s_.verify_mode == VerifyMode::local) {
      check_local();
    } else if (!s_.local.feed_client_id.empty()) {
      warn("W024", "EASY_JWT.FEED_CLIENT_ID",
           "does nothing without VERIFY_MODE \"local\": the auth-service is asked each time");
    }
    if (!s_.refresh_token_in_cookie) return;
    // The original's, and its words.
    if (!s_.refresh_cookie.secure && !s_.debug) {
      warn_original("W001", "EASY_JWT.AUTH_COOKIE_SECURE",
                    "AUTH_COOKIE_SECURE is False while DEBUG=False and cookie mode is enabled; the "
                    "refresh cookie will be transmitted over plain HTTP.");
    }
    if (s_.csrf.cookie.http_only) {
      warn_original("W002", "CSRF_COOKIE_HTTPONLY",
                    "CSRF_COOKIE_HTTPONLY=True is incompatible with the library's default /csrf/ "
                    "bootstrap endpoint: JavaScript cannot read the csrftoken cookie.");
    }
  }

  void check_local() {
    if (s_.token.algorithm.starts_with("HS")) {
      check_signing_key_size();
      warn("W018", "EASY_JWT.VERIFY_MODE",
           "is \"local\" with " + s_.token.algorithm +
               ": whoever has SIGNING_KEY verifies tokens and can make them, of anybody and for "
               "every service; of an asymmetric ALGORITHM a service has the public key alone");
    } else {
      check_jwk_url();
      if (!s_.token.signing_key.empty()) {
        warn("W020", "EASY_JWT.SIGNING_KEY",
             "is of no use here with ALGORITHM " + s_.token.algorithm +
                 ": a private key belongs to the auth-service alone");
      }
    }
    if (s_.local.feed_client_id.empty()) {
      warn("W019", "EASY_JWT.VERIFY_MODE",
           "is \"local\" without FEED_CLIENT_ID: the service does not see what the auth-service "
           "revokes; a token stands until it expires");
    }
  }

  void check_jwk_url() {
    if (!s_.debug && uses_remote_keys(s_) && crosses_network_in_clear(*s_.jwk_url)) {
      warn("W006", "EASY_JWT.JWK_URL",
           "is http://: whoever is on the way can put in keys and make tokens");
    }
  }

  void deploy() {
    if (s_.debug) warn("W010", "DEBUG", "is on");
    if (std::count(s_.allowed_hosts.begin(), s_.allowed_hosts.end(), "*") > 0) {
      warn("W011", "ALLOWED_HOSTS", "takes any host: links made from it can be forged");
    }
    if (is_weak(s_.secret_key.view())) {
      warn(
          "W012", "SECRET_KEY",
          "has fewer than 50 characters, fewer than 5 different ones, or is Django's insecure one");
    }
    if (s_.kind == ServiceKind::auth &&
        equal_constant_time(s_.token.signing_key.view(), s_.secret_key.view())) {
      warn("W013", "EASY_JWT.SIGNING_KEY",
           "is SECRET_KEY: whoever gets one of them has both sessions and tokens");
    }
    if (s_.server.tls_certificate.empty() && !is_loopback(s_.server.listen)) {
      warn("W014", "SERVER.LISTEN",
           "is open to the network without TLS: passwords travel in clear, unless a proxy adds it");
    }
    if (!s_.session_cookie.secure) warn("W015", "SESSION_COOKIE_SECURE", "is off");
    if (!s_.csrf.cookie.secure) warn("W016", "CSRF_COOKIE_SECURE", "is off");
    check_file_mode();
  }

  std::vector<CheckWarning> take() { return std::move(warnings_); }

 private:
  void warn(std::string_view id, std::string_view key, const std::string& what) {
    warnings_.push_back(
        {"easyjwt." + std::string(id), loaded_.locate(SettingsError(std::string(key), what))});
  }
  void warn_original(std::string_view id, std::string_view key, const std::string& what) {
    warnings_.push_back({"easyjwt_client." + std::string(id),
                         loaded_.locate(SettingsError(std::string(key), what))});
  }

  /// RFC 7518 section 3.2: a key as long as the hash, at least.
  void check_signing_key_size() {
    const auto algorithm = jose::parse_algorithm(s_.token.algorithm);
    if (!algorithm || !jose::is_hmac(*algorithm)) return;
    const std::size_t bytes = *algorithm == jose::Algorithm::hs256   ? 32
                              : *algorithm == jose::Algorithm::hs384 ? 48
                                                                     : 64;
    if (s_.token.signing_key.view().size() >= bytes) return;
    const bool own = loaded_.places.contains("EASY_JWT.SIGNING_KEY");
    warn("W002", own ? "EASY_JWT.SIGNING_KEY" : "SECRET_KEY",
         "is shorter than the " + std::to_string(bytes) + " bytes that " + s_.token.algorithm +
             " needs (RFC 7518 section 3.2)");
  }

  /// Django's security.W009.
  static bool is_weak(std::string_view secret) {
    return secret.size() < 50 || std::set<char>(secret.begin(), secret.end()).size() < 5 ||
           secret.starts_with("django-insecure-");
  }

  static bool is_loopback(std::string_view listen) {
    return listen.starts_with("127.") || listen.starts_with("localhost:") ||
           listen.starts_with("[::1]:");
  }

  /// An http:// URL of any host but this one.
  static bool crosses_network_in_clear(std::string_view url) {
    static constexpr std::string_view scheme = "http://";
    if (lower(url.substr(0, scheme.size())) != scheme) return false;
    url.remove_prefix(scheme.size());
    auto host = url.substr(0, url.find_first_of("/?#"));
    if (host.starts_with("[::1]")) return false;
    host = host.substr(0, host.find(':'));
    // A name may begin with "127.", too.
    const bool is_number = host.find_first_not_of("0123456789.") == host.npos;
    return lower(host) != "localhost" && !(is_number && host.starts_with("127."));
  }

  void check_file_mode() {
    const auto& table = settings_table();
    const bool has_secrets = std::any_of(table.begin(), table.end(), [&](const auto& row) {
      const auto place = loaded_.places.find(row.key);
      return row.secret && place != loaded_.places.end() &&
             place->second.starts_with(loaded_.file + ':');
    });
    struct stat info {};
    constexpr mode_t too_much = S_IWGRP | S_IXGRP | S_IRWXO;
    if (!has_secrets || ::stat(loaded_.file.c_str(), &info) != 0 ||
        (info.st_mode & too_much) == 0) {
      return;
    }
    warnings_.push_back({"easyjwt.W017",
                         {loaded_.file, "",
                          "holds keys and is open to more than its owner and group's readers: "
                          "chmod 600 it"}});
  }

  const LoadedSettings& loaded_;
  const ServiceSettings& s_;
  std::vector<CheckWarning> warnings_;
};

}  // namespace

std::vector<CheckWarning> system_checks(const LoadedSettings& loaded, bool deploy) {
  Checks checks(loaded);
  checks.always();
  if (deploy) checks.deploy();
  return checks.take();
}

std::optional<SettingsProblem> check_constructors(const LoadedSettings& loaded,
                                                  const Serializers& serializers) {
  const auto& settings = loaded.settings;
  try {
    if (settings.kind == ServiceKind::client) {
      RemoteAuth remote(remote_settings(settings), no_log());
      auto judging = authenticator_settings(settings, no_log());
      judging.local.feed_url.clear();  // a check calls nobody
      const Authenticator authenticator(std::move(judging), remote);
    } else {
      const RemoteKeys keys(settings, no_log());
      const TokenCodec codec(settings.token, keys.source());
    }
    if (const auto made = make_serializer(settings, serializers)) BoundSerializer::check(*made);
    const http::Csrf csrf(settings.csrf);
    const http::Cors cors(settings.cors);
    const Catalogue catalogue(settings);
    const Hasher hasher(settings.hasher);
    const PasswordValidators validators(settings.password_validators);
    return std::nullopt;
  } catch (const SettingsError& error) {
    return loaded.locate(error);
  }
}

}  // namespace easyjwt
