/* What it means that an exchange ended, and words for it that hold nothing secret: curl's own may name hosts, proxies with their passwords, or what the
 * server sent. */
#include "io/http_ends.h"

#include "base/alloc.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const end_names[] = {
	[HTTP_DONE] = "done",
	[HTTP_NO_CONNECT] = "no connection",
	[HTTP_RESET] = "connection broken",
	[HTTP_TIMEOUT] = "timed out",
	[HTTP_STALL] = "stalled",
	[HTTP_TOO_LONG] = "reply too long",
	[HTTP_BROKEN] = "broken reply",
	[HTTP_CANCELLED] = "cancelled",
	[HTTP_UNTRUSTED] = "certificate not trusted",
};

const char *http_end_name(enum http_end e)
{
	return end_names[e];
}

/* What a result means by itself. All others: no connection before the request was sent, a broken reply after. */
static const struct {
	CURLcode code;
	enum http_end end;
} ends[] = {
	{CURLE_OPERATION_TIMEDOUT, HTTP_TIMEOUT},
	{CURLE_FILESIZE_EXCEEDED, HTTP_TOO_LONG},
	{CURLE_PEER_FAILED_VERIFICATION, HTTP_UNTRUSTED},
	{CURLE_SSL_CACERT_BADFILE, HTTP_UNTRUSTED},
	{CURLE_SSL_CRL_BADFILE, HTTP_UNTRUSTED},
	{CURLE_SSL_ISSUER_ERROR, HTTP_UNTRUSTED},
	{CURLE_SSL_PINNEDPUBKEYNOTMATCH, HTTP_UNTRUSTED},
	{CURLE_SSL_INVALIDCERTSTATUS, HTTP_UNTRUSTED},
};
/* Once the request was sent: the connection broke. */
static const CURLcode resets[] = {CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_SEND_FAIL_REWIND,
	CURLE_ABORTED_BY_CALLBACK, CURLE_UNRECOVERABLE_POLL, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR};

enum http_end http_end_of(const struct http_course *c)
{
	if (c->code == CURLE_OK) /* curl is content with a connection that was closed within the headers */
		return c->headers_whole ? HTTP_DONE : HTTP_RESET;
	if (c->too_long)
		return HTTP_TOO_LONG;
	for (size_t i = 0; i < COUNT_OF(ends); i++)
		if ((int)ends[i].code == c->code)
			return ends[i].end;
	if (c->sends == 0)
		return HTTP_NO_CONNECT;
	/* A bad chunk has the code of a broken connection. */
	if (c->headers_broken || strstr(c->words, "chunk"))
		return HTTP_BROKEN;
	for (size_t i = 0; i < COUNT_OF(resets); i++)
		if ((int)resets[i] == c->code)
			return HTTP_RESET;
	return HTTP_BROKEN;
}

/* Words of curl that hold numbers and fixed text alone. Others name hosts, proxies (with their passwords) or what the server sent. */
static const char *const safe_words[] = {"SSL certificate problem: ", "SSL connection timeout",
	"error:", "OpenSSL SSL_read: ", "Recv failure: ", "Send failure: ", "transfer closed with ",
	"Operation timed out after ", "Connection timed out after ", "Connection timeout after ",
	"Resolving timed out after ", "Received HTTP/0.9 when not allowed", "CONNECT tunnel failed, response ",
	"Received HTTP code ", "Proxy CONNECT aborted", "Illegal or missing hexadecimal sequence in chunked-encoding",
	"Too long hexadecimal number in chunked-encoding", "Malformed encoding found in chunked-encoding"};

/* OpenSSL's words for a first record that is none: the server answered in plain HTTP. */
static bool not_tls(const char *words)
{
	return strstr(words, "wrong version number") || strstr(words, "packet length too long") ||
		   strstr(words, "http request") || strstr(words, "unknown protocol");
}

/* A server of plain HTTP may also just hang up on what it cannot read. */
static bool broken_off(const char *words)
{
	return strstr(words, "SSL_ERROR_SYSCALL") || strstr(words, "Connection reset by peer") ||
		   strstr(words, "unexpected eof");
}

static bool any_proxy(void)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return true;
	}
	return false;
}

/* "Failed to connect to HOST port PORT after …": another place than the url's is a proxy's, which the environment names. */
static bool was_proxy(const struct http_course *c)
{
	static const char begins[] = "Failed to connect to ";
	char *url = NULL, *host = NULL, *port = NULL, own[CURL_ERROR_SIZE];
	bool proxy = false;
	CURLU *u = curl_url();
	curl_easy_getinfo(c->easy, CURLINFO_EFFECTIVE_URL, &url);
	if (u && url && any_proxy() && strncmp(c->words, begins, sizeof(begins) - 1) == 0 &&
		curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
		size_t bare = strlen(host) - (host[0] == '[' ? 2 : 0); /* curl says ::1, the url [::1] */
		snprintf(own, sizeof(own), "%s%.*s port %s ", begins, (int)bare, host + (host[0] == '['), port);
		proxy = strncasecmp(c->words, own, strlen(own)) != 0;
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return proxy;
}

void http_explain(const struct http_course *c, char *ret, size_t size)
{
	const char *words = NULL;
	long system = 0;
	char room[64];
	for (size_t i = 0; i < COUNT_OF(safe_words) && !words; i++)
		if (strncmp(c->words, safe_words[i], strlen(safe_words[i])) == 0)
			words = c->words;
	if (c->headers_broken)
		words = "headers over 64 KiB";
	else if (c->too_long || c->code == CURLE_FILESIZE_EXCEEDED)
		words = "over the size limit";
	else if (c->code == CURLE_OK)
		words = "the connection was closed within the headers";
	else if (c->code == CURLE_ABORTED_BY_CALLBACK)
		words = "the connection was closed before a reply";
	else if (c->code == CURLE_SSL_CONNECT_ERROR && c->sends == 0 && not_tls(c->words))
		words = "the server does not speak TLS; did you mean http://?";
	else if (c->code == CURLE_SSL_CONNECT_ERROR && c->sends == 0 && broken_off(c->words))
		words = "the server broke off the TLS handshake; did you mean http://?";
	else if (c->code == CURLE_PEER_FAILED_VERIFICATION && strncmp(c->words, "SSL: ", 5) == 0)
		words = "the certificate is for another name";
	if (words) {
		snprintf(ret, size, "%.*s", (int)size - 1, words);
		return;
	}
	curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &system);
	if (c->code == CURLE_COULDNT_CONNECT && system != 0)
		snprintf(ret, size, "%s: %s",
			was_proxy(c) ? "the proxy of http_proxy, https_proxy or all_proxy (no_proxy names servers without one)"
						 : curl_easy_strerror((CURLcode)c->code),
			strerror_r((int)system, room, sizeof(room)));
	else
		snprintf(ret, size, "%s", curl_easy_strerror((CURLcode)c->code));
}
