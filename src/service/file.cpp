#include "service/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace easyjwt {
namespace {

std::string because(std::string_view what) {
  return std::string(what) + ": " + std::strerror(errno);
}

/// Closes a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_size) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return fail(Errc::refused, {}, because("cannot be read"));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || S_ISDIR(info.st_mode)) {
    return fail(Errc::refused, {}, "cannot be read: it is not a file");
  }
  // Filled in one go: a string that grows leaves copies of its secrets behind in the heap.
  const auto expected = S_ISREG(info.st_mode) ? static_cast<std::size_t>(info.st_size) : max_size;
  std::string text(std::min(expected, max_size) + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Errc::refused, {}, because("cannot be read"));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > max_size) {
    return fail(Errc::refused, {}, "is larger than " + std::to_string(max_size) + " bytes");
  }
  text.resize(size);
  return text;
}

Result<void> create_private_file(const std::string& path, std::string_view content) {
  const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd.get() < 0) return fail(Errc::refused, {}, because(path + ": cannot be made"));
  while (!content.empty()) {
    const auto put = ::write(fd.get(), content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const auto reason = because(path + ": cannot be written");
      ::unlink(path.c_str());
      return fail(Errc::refused, {}, reason);
    }
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(fd.get()) != 0) return fail(Errc::refused, {}, because(path + ": cannot be written"));
  return {};
}

}  // namespace easyjwt
