#pragma once

#include <string>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "service/own_views.hpp"

namespace easyjwt::commands {

/// Each command writes what it has to say on stdout and returns the exit code; an Error is one line
/// on stderr and exit 1. `config` is the settings file.

Result<int> startproject(const std::string& kind, const std::string& folder);
Result<int> runserver(const std::string& config, const std::string& listen, const Own& own);
Result<int> migrate(const std::string& config, bool plan);
Result<int> createsuperuser(const std::string& config, std::string email, bool no_input);
Result<int> changepassword(const std::string& config, const std::string& email);
Result<int> check(const std::string& config, bool deploy, const Serializers& serializers);
Result<int> flushexpiredtokens(const std::string& config);
Result<int> clearsessions(const std::string& config);
Result<int> loaddata(const std::string& config, const std::vector<std::string>& files);
/// `url` is that of the PostgreSQL database.
Result<int> migrate_to(const std::string& config, const std::string& url);
/// Writes a fresh key into a file of its own, which must not be there yet. `bits` is of RSA.
Result<int> keys_generate(const std::string& algorithm, const std::string& file, unsigned bits);
/// The keys that sign and verify, the settings' and the database's.
Result<int> keys_list(const std::string& config);
struct KeyRotation {
  std::string algorithm;  ///< empty: that of the last key
  std::string in;         ///< when the new key is to sign, like "10m"; empty: key_lead
  unsigned rsa_bits;
};
/// Makes the next key in the database, and prints its kid.
Result<int> keys_rotate(const std::string& config, const KeyRotation& wanted);
/// Ends a key at once: a kid, or "settings".
Result<int> keys_retire(const std::string& config, const std::string& kid);
/// The public halves as a JWK Set.
Result<int> keys_export(const std::string& config);
/// Header, claims and verdict of a token; "-": the one that stdin has.
Result<int> token_decode(const std::string& config, const std::string& token);
/// Exit 1 with the reason where it is refused.
Result<int> token_verify(const std::string& config, const std::string& token);
/// Makes an OAuth client and shows its secret, once.
Result<int> clients_add(const std::string& config, const std::string& name,
                        const std::vector<std::string>& scopes);
Result<int> clients_list(const std::string& config);
/// By id or name.
Result<int> clients_remove(const std::string& config, const std::string& who);
struct NewToken {
  std::string user;  ///< an e-mail or an id
  std::string type = "access";
  std::string lifetime;  ///< like "5m"; empty: the settings'
};
Result<int> token_issue(const std::string& config, const NewToken& wanted);
Result<int> dumpdata(const std::string& config, const std::vector<std::string>& models);

}  // namespace easyjwt::commands
