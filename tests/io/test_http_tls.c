/* io/http over TLS: a certificate that does not hold is told apart from a connection that cannot be had, and a stream that is cut from a reply. The
 * certificates are made here, for an hour. */
#include "base/alloc.h"
#include "base/fs.h"
#include "tests/io/netkit.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[512];
static char good_path[600], old_path[600];

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
};
static struct identity good, old;

/* Of itself, for 127.0.0.1, from `from` to `to` seconds from now; written to `path` as an authority to trust. */
static void make_identity(struct identity *who, long from, long to, const char *path)
{
	who->key = EVP_EC_gen("P-256");
	who->certificate = X509_new();
	assert_non_null(who->key);
	X509 *x = who->certificate;
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), from);
	X509_gmtime_adj(X509_getm_notAfter(x), to);
	X509_set_pubkey(x, who->key);
	X509_NAME *name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"taf test", -1, -1, 0);
	X509_set_issuer_name(x, name);
	static const struct {
		int nid;
		const char *value;
	} extensions[] = {{NID_subject_alt_name, "IP:127.0.0.1"}, {NID_basic_constraints, "critical,CA:TRUE"}};
	for (size_t i = 0; i < COUNT_OF(extensions); i++) {
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, extensions[i].nid, extensions[i].value);
		assert_non_null(extension);
		X509_add_ext(x, extension, -1);
		X509_EXTENSION_free(extension);
	}
	assert_true(X509_sign(x, who->key, EVP_sha256()) > 0);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, x), 1);
	assert_int_equal(fclose(f), 0);
}

/* --- A TLS server: one connection at a time --- */

enum behaviour { ANSWER, CUT, DROP_HANDSHAKE };

struct tls_server {
	int listener, port, shakes;
	enum behaviour behaviour;
	SSL_CTX *context;
	pthread_t thread;
};

static void converse(SSL *ssl, enum behaviour behaviour)
{
	static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
	char room[8192];
	int n;
	while ((n = SSL_read(ssl, room, sizeof(room))) > 0) {
		if (behaviour == ANSWER) {
			SSL_write(ssl, whole, sizeof(whole) - 1);
			continue;
		}
		SSL_write(ssl, cut, sizeof(cut) - 1);
		return; /* without the close_notify that ends a stream (RFC 8446, 6.1) */
	}
}

static void *tls_loop(void *arg)
{
	struct tls_server *s = arg;
	for (;;) {
		int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return NULL;
		SSL *ssl = SSL_new(s->context);
		SSL_set_fd(ssl, fd);
		if (s->behaviour != DROP_HANDSHAKE && SSL_accept(ssl) == 1) {
			s->shakes++;
			converse(ssl, s->behaviour);
		}
		SSL_free(ssl);
		close(fd);
	}
}

static void tls_start(struct tls_server *s, const struct identity *who, enum behaviour behaviour)
{
	*s = (struct tls_server){.behaviour = behaviour};
	s->context = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(s->context, who->certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(s->context, who->key), 1);
	s->listener = net_listen(&s->port);
	assert_int_equal(pthread_create(&s->thread, NULL, tls_loop, s), 0);
}

static void tls_stop(struct tls_server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	SSL_CTX_free(s->context);
}

/* `times` requests one after the other to https://`host`; all end in the same way. */
static void ask_tls(struct tls_server *s, const char *host, int times, enum http_end end, const char *what)
{
	struct net_client c = {0};
	char url[64];
	snprintf(url, sizeof(url), "https://%s:%d/secret", host, s->port);
	net_client_start(&c, 4);
	for (int i = 0; i < times; i++) {
		struct net_ask a;
		net_ask_init(&a, url);
		net_ask(&c, &a);
		if (a.reply.end != end)
			fail_msg("%s (%s) where %s was due", http_end_name(a.reply.end), a.reply.what, http_end_name(end));
		assert_int_equal(a.reply.status, end == HTTP_DONE ? 200 : 0);
		if (!strstr(a.reply.what, what))
			fail_msg("\"%s\" does not speak of \"%s\"", a.reply.what, what);
		assert_null(strstr(a.reply.what, "secret"));
		assert_null(strstr(a.reply.what, host));
		net_ask_release(&a);
	}
	net_client_stop(&c); /* closes the connection that the server waits on */
	tls_stop(s);
}

static void test_trusted(void **state)
{
	(void)state;
	struct tls_server s;
	setenv("SSL_CERT_FILE", good_path, 1);
	tls_start(&s, &good, ANSWER);
	ask_tls(&s, "127.0.0.1", 5, HTTP_DONE, "");
	assert_int_equal(s.shakes, 1);
	unsetenv("SSL_CERT_FILE");
}

static void test_untrusted(void **state)
{
	(void)state;
	struct tls_server s;
	tls_start(&s, &good, ANSWER);
	ask_tls(&s, "127.0.0.1", 2, HTTP_UNTRUSTED, "self-signed");
	setenv("SSL_CERT_FILE", good_path, 1);
	tls_start(&s, &good, ANSWER);
	ask_tls(&s, "localhost", 1, HTTP_UNTRUSTED, "for another name");
	setenv("SSL_CERT_FILE", old_path, 1);
	tls_start(&s, &old, ANSWER);
	ask_tls(&s, "127.0.0.1", 1, HTTP_UNTRUSTED, "expired");
	setenv("SSL_CERT_FILE", "/nonexistent/certificates.pem", 1);
	tls_start(&s, &good, ANSWER);
	ask_tls(&s, "127.0.0.1", 1, HTTP_UNTRUSTED, "CA cert");
	unsetenv("SSL_CERT_FILE");
}

static void test_cut(void **state)
{
	(void)state;
	struct tls_server s;
	setenv("SSL_CERT_FILE", good_path, 1);
	tls_start(&s, &good, CUT);
	ask_tls(&s, "127.0.0.1", 1, HTTP_BROKEN, "96 bytes remaining");
	tls_start(&s, &good, DROP_HANDSHAKE);
	ask_tls(&s, "127.0.0.1", 1, HTTP_NO_CONNECT, "");
	unsetenv("SSL_CERT_FILE");
}

static void test_not_tls(void **state)
{
	(void)state;
	struct net_server s;
	struct net_client c = {0};
	struct net_ask a;
	char url[64];
	net_start(&s, NULL, NULL);
	net_client_start(&c, 4);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", s.port);
	net_ask_init(&a, url);
	a.q.connect_ms = 500; /* this server waits for the end of a request that never comes */
	net_ask(&c, &a);
	assert_int_equal(a.reply.end, HTTP_TIMEOUT);
	net_ask_release(&a);
	net_client_stop(&c);
	net_stop(&s);
}

static int set_up(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof(folder), "%s/taf-tls.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	signal(SIGPIPE, SIG_IGN); /* the server's */
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	unsetenv("SSL_CERT_FILE");
	snprintf(good_path, sizeof(good_path), "%s/good.pem", folder);
	snprintf(old_path, sizeof(old_path), "%s/old.pem", folder);
	make_identity(&good, -60, 3600, good_path);
	make_identity(&old, -7200, -3600, old_path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	X509_free(good.certificate);
	X509_free(old.certificate);
	EVP_PKEY_free(good.key);
	EVP_PKEY_free(old.key);
	return fs_remove_tree(folder, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trusted),
		cmocka_unit_test(test_untrusted),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_not_tls),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
