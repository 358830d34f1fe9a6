// What an auth-service, or whoever sits in its place, answers: read in one piece and in pieces of
// another size, which must not change what it means.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fetch/response_reader.hpp"

namespace {

using easyjwt::fetch::ResponseReader;
using State = ResponseReader::State;

constexpr ResponseReader::Limits limits{.max_headers = 2000, .max_body = 1000};

std::string read(std::string_view bytes, std::size_t piece) {
  ResponseReader reader(limits);
  auto state = State::more;
  while (!bytes.empty() && state == State::more) {
    const auto space = reader.space();
    if (space.empty()) std::abort();
    const auto count = std::min({bytes.size(), piece, space.size()});
    std::copy_n(bytes.begin(), count, space.begin());
    bytes.remove_prefix(count);
    state = reader.take(count);
  }
  if (state == State::more) state = reader.take_end();
  // Why it is refused may depend on how much of it has come.
  if (state == State::failed) return "failed";
  const auto response = reader.response();
  if (response.body.size() > limits.max_body || response.status / 100 == 1) std::abort();
  auto out = std::to_string(response.status) + ' ' + response.body;
  for (const auto& [name, value] : response.headers) out += '|' + name + '=' + value;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = read(bytes, bytes.size());
  if (read(bytes, 1U + data[0] % 64U) != whole || read(bytes, 1) != whole) std::abort();
  return 0;
}
