#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "http/running_server.hpp"

namespace easyjwt::http {
namespace {

using namespace testing;

template <auto f>
struct Free {
  template <class T>
  void operator()(T* object) const {
    f(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;
using FilePtr = std::unique_ptr<std::FILE, Free<std::fclose>>;

/// A directory with a self-signed certificate of that serial number and its key.
class Certificate {
 public:
  explicit Certificate(long serial) {
    std::string pattern = std::filesystem::temp_directory_path() / "easyjwt-tls-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    write(serial);
  }
  ~Certificate() { std::filesystem::remove_all(folder_); }

  void write(long serial) const {
    const KeyPtr key(EVP_EC_gen("P-256"));
    const CertificatePtr x509(X509_new());
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
    X509_set_pubkey(x509.get(), key.get());
    X509_sign(x509.get(), key.get(), EVP_sha256());
    const FilePtr certificate_file(std::fopen(certificate().c_str(), "w"));
    PEM_write_X509(certificate_file.get(), x509.get());
    const FilePtr key_file(std::fopen(this->key().c_str(), "w"));
    PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }
  std::string certificate() const { return folder_ / "certificate.pem"; }
  std::string key() const { return folder_ / "key.pem"; }

 private:
  std::filesystem::path folder_;
};

ServerSettings with(const Certificate& certificate) {
  ServerSettings settings;
  settings.tls_certificate = certificate.certificate();
  settings.tls_key = certificate.key();
  return settings;
}

class TlsClient {
 public:
  explicit TlsClient(int port, int max_version = TLS1_3_VERSION, std::string_view alpn = "")
      : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_security_level(context_.get(), 0);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{5, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<in_port_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_);
    if (!alpn.empty()) {
      const std::string wire = static_cast<char>(alpn.size()) + std::string(alpn);
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                          static_cast<unsigned>(wire.size()));
    }
    ok_ = SSL_connect(ssl_.get()) == 1;
  }
  ~TlsClient() { ::close(socket_); }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool ok() const { return ok_; }
  SSL* ssl() { return ssl_.get(); }
  void send(std::string_view bytes) {
    SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  std::string receive(std::size_t size) {
    std::string out;
    char buffer[16 * 1024];
    while (out.size() < size) {
      const int count = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (count <= 0) break;
      out.append(buffer, static_cast<std::size_t>(count));
    }
    return out;
  }
  long serial() {
    const CertificatePtr certificate(SSL_get1_peer_certificate(ssl_.get()));
    return ASN1_INTEGER_get(X509_get0_serialNumber(certificate.get()));
  }

 private:
  std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Free<SSL_free>> ssl_;
  int socket_ = -1;
  bool ok_ = false;
};

TEST(ServerTls, AnswersOverTls) {
  const Certificate certificate(7);
  RunningServer server(with(certificate));
  EXPECT_TRUE(server.server().tls());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server.port(), version, "http/1.1");
    ASSERT_TRUE(client.ok());
    EXPECT_EQ(client.serial(), 7);
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.ssl(), &protocol, &size);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(protocol), size), "http/1.1");
    client.send(post("/echo/", "abc") + get("/big/") + get("/echo/", "Connection: close\r\n"));
    const auto all = client.receive(20'000'000);
    EXPECT_TRUE(has(all, "\r\n\r\nabc||127.0.0.1|https")) << all.substr(0, 500);
    EXPECT_GT(all.size(), 8'000'000u);
    EXPECT_TRUE(all.ends_with("\r\n\r\n\"hello\""));
    EXPECT_EQ(SSL_get_shutdown(client.ssl()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
  }
}

TEST(ServerTls, RequestsGoThroughLanesAndRefusalsAreSeen) {
  const Certificate certificate(7);
  RunningServer server(with(certificate));
  TlsClient client(server.port());
  ASSERT_TRUE(client.ok());
  client.send(get("/wait/") + "NONSENSE\r\n\r\n");
  server.await_waiting(1);
  server.open();
  const auto all = client.receive(1'000'000);
  EXPECT_TRUE(has(all, "\r\n\r\n\"waited\"HTTP/1.1 400 "));
}

TEST(ServerTls, OldVersionsAndOtherProtocolsAreRefused) {
  const Certificate certificate(7);
  RunningServer server(with(certificate));
  EXPECT_FALSE(TlsClient(server.port(), TLS1_1_VERSION).ok());
  EXPECT_FALSE(TlsClient(server.port(), TLS1_3_VERSION, "h2").ok());
  TlsClient client(server.port(), TLS1_2_VERSION);
  ASSERT_TRUE(client.ok());
  SSL_renegotiate(client.ssl());
  EXPECT_NE(SSL_do_handshake(client.ssl()), 1);
}

TEST(ServerTls, PlainHttpAndSilenceDoNotStay) {
  const Certificate certificate(7);
  auto settings = with(certificate);
  settings.head_deadline = 100ms;
  RunningServer server(settings);
  RawClient plain(server.port());
  plain.send(get("/echo/"));
  EXPECT_EQ(status_of(plain.rest(3s)), 0);
  EXPECT_TRUE(plain.closed());
  RawClient silent(server.port());
  EXPECT_EQ(silent.rest(3s), "");
  EXPECT_TRUE(silent.closed());
  TlsClient slow(server.port());
  ASSERT_TRUE(slow.ok());
  slow.send("GET / HTTP/1.1\r\n");
  EXPECT_EQ(slow.receive(1), "");
}

TEST(ServerTls, TheCertificateIsReadAgain) {
  const Certificate certificate(7);
  RunningServer server(with(certificate));
  TlsClient before(server.port());
  EXPECT_EQ(before.serial(), 7);
  certificate.write(8);
  server.server().reload_tls();
  EXPECT_EQ(TlsClient(server.port()).serial(), 8);
  before.send(get("/echo/"));
  EXPECT_EQ(status_of(before.receive(1)), 200);

  std::ofstream(certificate.key()) << "not a key";
  server.server().reload_tls();
  EXPECT_EQ(server.lines_with("E certificate not read again"), 1);
  EXPECT_EQ(TlsClient(server.port()).serial(), 8);
}

TEST(ServerTls, WhatCannotBeReadIsSaid) {
  const Certificate one(1);
  const Certificate two(2);
  Router router({"*"}, no_log());
  const auto what = [&](std::string certificate, std::string key) -> std::string {
    ServerSettings settings;
    settings.listen = "127.0.0.1:0";
    settings.tls_certificate = std::move(certificate);
    settings.tls_key = std::move(key);
    try {
      Server(settings, router, no_log()).bind();
    } catch (const ServerError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(what(one.certificate(), one.key()), "");
  EXPECT_TRUE(what("/nowhere", one.key()).starts_with("cannot read the certificate /nowhere: "));
  EXPECT_TRUE(what(one.certificate(), "/nowhere").starts_with("cannot use the key /nowhere: "));
  EXPECT_TRUE(has(what(one.certificate(), two.key()), "key"));
  EXPECT_EQ(what(one.certificate(), ""), "TLS needs both a certificate and its key");
}

TEST(ServerTls, StopClosesIdleConnections) {
  const Certificate certificate(7);
  RunningServer server(with(certificate));
  TlsClient idle(server.port());
  idle.send(get("/echo/"));
  EXPECT_EQ(status_of(idle.receive(1)), 200);
  server.stop();
  EXPECT_TRUE(server.stops_within(2s));
}

}  // namespace
}  // namespace easyjwt::http
