// HTTPS, with a certificate made here.
#include <coppice/error.h>
#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <memory>

#include "running_server.h"

namespace coppice::serve {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Bytes = std::unique_ptr<BIO, Free<BIO_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Free<SSL_free>>;

std::string text_of(const Bytes& bytes) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bytes.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// A key and a certificate that it signed itself, as PEM files of the folder.
void write_certificate(const io::TemporaryFolder& folder) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"),
                             -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  ASSERT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  const Bytes key_text(BIO_new(BIO_s_mem())), certificate_text(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(certificate_text.get(), certificate.get());
  folder.write("key.pem", text_of(key_text));
  folder.write("cert.pem", text_of(certificate_text));
}

class Tls : public ::testing::Test {
 protected:
  Tls() { write_certificate(folder_); }

  ServerOptions options() const {
    ServerOptions options = quick_options();
    options.tls_certificate = folder_.path("cert.pem");
    options.tls_key = folder_.path("key.pem");
    options.threads = 1;
    return options;
  }

  io::TemporaryFolder folder_;
};

TEST_F(Tls, RequestsLargeAndSmallGoThrough) {
  RunningServer server(options());
  EXPECT_THAT(server.server->addresses().front(), StartsWith("https://127.0.0.1:"));
  const Client client = server.connect();
  const Context context(SSL_CTX_new(TLS_client_method()));
  const Session session(SSL_new(context.get()));
  SSL_set_fd(session.get(), client.socket());
  ASSERT_EQ(SSL_connect(session.get()), 1);
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "1,1\n";
  for (const std::string& rows : {std::string("0,1\n"), many}) {
    const std::string text = csv_request("/invocations", rows);
    ASSERT_EQ(SSL_write(session.get(), text.data(), static_cast<int>(text.size())),
              static_cast<int>(text.size()));
    const std::size_t n_rows = rows.size() / 4;
    std::string answer;
    std::array<char, 4096> bytes;
    while (answer.find("\r\n\r\n") == std::string::npos ||
           answer.size() < answer.find("\r\n\r\n") + 4 + 2 * n_rows) {
      const int n = SSL_read(session.get(), bytes.data(), static_cast<int>(bytes.size()));
      ASSERT_GT(n, 0);
      answer.append(bytes.data(), static_cast<std::size_t>(n));
    }
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, EndsWith(n_rows == 1 ? "\r\n\r\n0\n" : "\n1\n1\n"));
  }
  EXPECT_EQ(SSL_shutdown(session.get()), 0);  // ours is sent; the server answers with its own
  EXPECT_EQ(SSL_shutdown(session.get()), 1);
}

TEST_F(Tls, ClientsWithoutItAreClosed) {
  ServerOptions limited = options();
  limited.limits.request = std::chrono::milliseconds(100);
  RunningServer server(limited);
  Client silent = server.connect();
  Client plain = server.connect();
  ASSERT_TRUE(plain.send(request("GET", "/ping")));
  EXPECT_EQ(plain.receive().status, 0);
  EXPECT_TRUE(silent.is_closed());
}

TEST_F(Tls, CertificateAndKeyMustFit) {
  ModelStore store{StoreOptions{.drift = {.n_writers = 2}}};
  const auto id_of = [&](const ServerOptions& wrong) {
    try {
      const Server server(wrong, store);
    } catch (const Error& error) {
      return error.id();
    }
    return std::string();
  };
  ServerOptions wrong = options();
  wrong.port = 0;
  wrong.tls_key = wrong.tls_certificate;
  EXPECT_EQ(id_of(wrong), "serve.tls.key");
  wrong.tls_certificate = folder_.path("absent.pem");
  EXPECT_EQ(id_of(wrong), "serve.tls.certificate");
  const io::TemporaryFolder other;
  write_certificate(other);
  wrong = options();
  wrong.port = 0;
  wrong.tls_key = other.path("key.pem");
  EXPECT_EQ(id_of(wrong), "serve.tls.key");
}

}  // namespace
}  // namespace coppice::serve
