// N services that judge tokens themselves and follow one auth-service's revocations, in one
// process.
//   bench_follow AUTH_SERVICE_URL CLIENT_ID CLIENT_SECRET SIGNING_KEY N
// Says "ready" once all of them follow. Then each line of stdin is a token that is revoked and the
// instant, in nanoseconds of CLOCK_MONOTONIC, at which that was committed; every follower is asked
// about it until it refuses. At the end of stdin it prints what that took, over all tokens and
// followers.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "easyjwt/client/authenticator.hpp"

using namespace easyjwt;
using std::chrono::steady_clock;

namespace {

std::int64_t now() { return steady_clock::now().time_since_epoch().count(); }

struct Pending {
  std::string header;
  std::int64_t committed;
  std::vector<std::size_t> waiting;  ///< the followers that still take it
};

/// What stdin has by now, line by line. False at its end.
template <class Take>
bool read_lines(std::string& rest, Take take) {
  char buffer[65536];
  for (;;) {
    const auto size = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (size == 0) return false;
    if (size < 0) return true;
    rest.append(buffer, static_cast<std::size_t>(size));
    std::size_t end = 0;
    for (std::size_t at = 0; (at = rest.find('\n', end)) != rest.npos; end = at + 1) {
      take(rest.substr(end, at - end));
    }
    rest.erase(0, end);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const std::string url = argv[1];
  const auto count = static_cast<std::size_t>(std::stoul(argv[5]));
  RemoteAuthSettings outgoing;
  outgoing.service_url = url;
  RemoteAuth remote(outgoing, no_log());
  AuthenticatorSettings settings;
  settings.verify_mode = VerifyMode::local;
  settings.local.token.signing_key = Secret(argv[4]);
  settings.local.session_claim = "sid";
  settings.local.feed_url = url + "/auth/events/";
  settings.local.feed_client_id = argv[2];
  settings.local.feed_client_secret = Secret(argv[3]);
  settings.local.staleness_policy = StalenessPolicy::refuse;
  std::vector<std::unique_ptr<Authenticator>> followers;
  for (std::size_t i = 0; i < count; ++i) {
    followers.push_back(std::make_unique<Authenticator>(settings, remote));
  }

  std::string rest;
  std::vector<Pending> pending;
  std::vector<double> took;
  bool open = true;
  const auto ask = [&](std::size_t i, const std::string& header) {
    return followers[i]->authenticate(header);
  };
  // The first line is a token that stands: who refuses it does not follow yet.
  std::string good;
  ::fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  while (good.empty() &&
         read_lines(rest, [&](const std::string& line) { good = "Bearer " + line; })) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  for (std::size_t i = 0; i < count; ++i) {
    while (!ask(i, good)) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  std::puts("ready");
  std::fflush(stdout);
  while (open || !pending.empty()) {
    open =
        open && read_lines(rest, [&](const std::string& line) {
          const auto space = line.find(' ');
          Pending next{"Bearer " + line.substr(0, space), std::stoll(line.substr(space + 1)), {}};
          for (std::size_t i = 0; i < count; ++i) next.waiting.push_back(i);
          pending.push_back(std::move(next));
        });
    for (auto& each : pending) {
      std::erase_if(each.waiting, [&](std::size_t i) {
        const auto identity = ask(i, each.header);
        // Anything but a refusal of the token itself would be no answer to the question.
        if (identity || identity.error().code == Errc::unavailable) return false;
        took.push_back(static_cast<double>(now() - each.committed) / 1e6);
        return true;
      });
    }
    std::erase_if(pending, [](const Pending& each) { return each.waiting.empty(); });
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  if (took.empty()) return 1;
  std::ranges::sort(took);
  const auto at = [&](double part) {
    return took[std::min(took.size() - 1,
                         static_cast<std::size_t>(part * static_cast<double>(took.size())))];
  };
  std::printf("%zu %.1f %.1f %.1f\n", took.size(), at(0.5), at(0.99), took.back());
  return 0;
}
