#pragma once

#include <string>

/// cpp-jwt's way of verifying an HS256 token, in a file of its own for its headers' sake.
bool cppjwt_verify(const std::string& raw, const std::string& secret);
