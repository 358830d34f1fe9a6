// Answers hashers_cross_check.py: a JSON object a line on stdin, an answer a line on stdout.

#include <iostream>
#include <stdexcept>

#include "easyjwt/core/json.hpp"
#include "easyjwt/user/hasher.hpp"
#include "easyjwt/user/validators.hpp"
#include "user/password_encoding.hpp"
#include "user/password_hash.hpp"

namespace easyjwt {
namespace {

std::string_view text_of(const json::object& question, std::string_view name) {
  return question.at(name).as_string();
}

std::uint64_t number_or(const json::object& question, std::string_view name,
                        std::uint64_t otherwise) {
  const auto* value = question.if_contains(name);
  return value == nullptr ? otherwise : value->to_number<std::uint64_t>();
}

json::value encode(const json::object& question) {
  PasswordEncoding encoding = default_work(text_of(question, "algorithm"));
  encoding.salt = fresh_salt(encoding.algorithm);
  encoding.work = number_or(question, "work", encoding.work);
  encoding.memory = number_or(question, "memory", encoding.memory);
  encoding.parallel = number_or(question, "parallel", encoding.parallel);
  encoding.version = number_or(question, "version", encoding.version);
  if (const auto* variant = question.if_contains("variant"))
    encoding.variant = variant->as_string();
  HashMemory memory;
  encoding.hash = compute_hash(encoding, text_of(question, "password"), memory).value();
  return json::value(format_password_encoding(encoding));
}

/// As the service does it, work factors and all.
json::value encode_as_first(const json::object& question) {
  HasherSettings settings;
  settings.hashers = {std::string(text_of(question, "algorithm"))};
  return json::value(Hasher(settings).encode(text_of(question, "password")).value());
}

json::value verify(const json::object& question) {
  static Hasher hasher{HasherSettings{}};
  return hasher.verify(text_of(question, "password"), text_of(question, "encoded")).value().correct;
}

json::value validate(const json::object& question) {
  static const PasswordValidators validators({"UserAttributeSimilarityValidator",
                                              "MinimumLengthValidator", "CommonPasswordValidator",
                                              "NumericPasswordValidator"});
  std::vector<UserAttribute> attributes;
  for (const json::value& pair : question.at("attributes").as_array()) {
    attributes.push_back({pair.as_array()[0].as_string(), pair.as_array()[1].as_string()});
  }
  json::array out;
  for (const Text& text : validators.validate(text_of(question, "password"), attributes)) {
    out.emplace_back(text.str());
  }
  return out;
}

json::value answer(const json::object& question) {
  const std::string_view ask = text_of(question, "ask");
  if (ask == "encode") return encode(question);
  if (ask == "encode_as_first") return encode_as_first(question);
  if (ask == "verify") return verify(question);
  if (ask == "validate") return validate(question);
  if (ask == "email") return is_valid_email(text_of(question, "email"));
  if (ask == "normalize") return json::value(normalize_email(text_of(question, "email")));
  throw std::invalid_argument("no such question");
}

}  // namespace
}  // namespace easyjwt

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto question = easyjwt::parse_json(line);
    std::cout << easyjwt::answer(question.value().as_object()) << '\n';
  }
}
