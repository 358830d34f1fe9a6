#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "easyjwt/auth/signing_keys.hpp"
#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/token/key_ring.hpp"

namespace easyjwt {

/// The key ring of a service, kept as the database has it: a thread looks every two seconds, and
/// with EASY_JWT.KEY_ROTATION_INTERVAL makes the next key when it is time. While the database does
/// not answer, the ring stays as it is.
class KeyFollower {
 public:
  /// Reads the ring first. Throws SettingsError: it cannot be read. `keys` must outlive it.
  KeyFollower(SigningKeys& keys, std::optional<std::chrono::seconds> interval, Clock clock,
              Log log);

  /// The follower must outlive it.
  KeyRingSource source() const {
    return [this] { return current_.load(std::memory_order_acquire); };
  }

 private:
  void run(const std::stop_token& stop);
  /// Takes over what the database has now, and rotates where it is time.
  Result<void> look(bool may_rotate);
  Result<void> rotate_if_due(const std::vector<SigningKey>& keys);
  void tell(const std::string& failure);

  SigningKeys& keys_;
  const std::optional<std::chrono::seconds> interval_;
  const Clock clock_;
  const Log log_;
  std::atomic<const KeyRing*> current_ = nullptr;
  /// Every ring there was: requests read without a lock, and there are a few in a year.
  std::vector<std::unique_ptr<const KeyRing>> rings_;
  std::string version_;  ///< which keys the current ring has, and what they do
  std::string told_;
  std::jthread thread_;
};

}  // namespace easyjwt
