#pragma once

#include <functional>
#include <string>

/// rhonabwy's way of verifying a token, in a file of its own: its names are libjwt's, too. By a
/// secret for HS256, else by PEM text of a public key. Empty: it does not take the key.
std::function<bool(const std::string&)> rhonabwy(const std::string& algorithm,
                                                 const std::string& secret, const std::string& pem);
