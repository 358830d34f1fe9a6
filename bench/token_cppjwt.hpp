#pragma once

#include <string>

/// cpp-jwt's way of verifying a token, in a file of its own for its headers' sake. `key`: a secret,
/// or PEM text of a public key.
bool cppjwt_verify(const std::string& raw, const std::string& key,
                   const std::string& algorithm = "HS256");
