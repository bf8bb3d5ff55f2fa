/* The preview: a page that stands alone (no script, nothing from elsewhere) with a few calls, their words and their annotations. All texts are
 * data of unknown origin and are escaped. */
#include "base/alloc.h"
#include "stages/release/release.h"

#include <stdlib.h>
#include <string.h>

/* --- Which calls --- */

void release_preview_free(struct release_preview *p)
{
	for (size_t i = 0; i < p->nchosen; i++)
		free_ptr(&p->chosen[i].html);
	free(p->v[0]);
	free(p->v[1]);
	free(p->chosen);
}

void release_preview_offer(struct release_preview *p, const char *name, bool fraud, size_t index)
{
	struct release_pick pick = {.hash = hash_bytes(name, strlen(name), 1), .index = index, .fraud = fraud};
	struct release_pick *v = p->v[fraud];
	size_t n = p->n[fraud];
	if (p->want <= 0)
		return;
	if (!v)
		v = p->v[fraud] = xcalloc((size_t)p->want, sizeof(*v));
	if (n == (size_t)p->want) {
		if (pick.hash >= v[n - 1].hash)
			return;
		n--;
	}
	size_t at = n;
	while (at > 0 && v[at - 1].hash > pick.hash)
		at--;
	memmove(&v[at + 1], &v[at], (n - at) * sizeof(*v));
	v[at] = pick;
	p->n[fraud] = n + 1;
}

static int by_hash(const void *a, const void *b)
{
	const struct release_pick *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

void release_preview_choose(struct release_preview *p)
{
	size_t want = p->want > 0 ? (size_t)p->want : 0, fraud = want - want / 2, normal;
	if (fraud > p->n[1])
		fraud = p->n[1];
	normal = want - fraud < p->n[0] ? want - fraud : p->n[0];
	if (want - normal > fraud)
		fraud = want - normal < p->n[1] ? want - normal : p->n[1];
	p->chosen = xcalloc(want + 1, sizeof(*p->chosen));
	for (size_t i = 0; i < normal; i++)
		p->chosen[p->nchosen++] = p->v[0][i];
	for (size_t i = 0; i < fraud; i++)
		p->chosen[p->nchosen++] = p->v[1][i];
	qsort(p->chosen, p->nchosen, sizeof(*p->chosen), by_hash);
}

struct release_pick *release_preview_find(struct release_preview *p, size_t index)
{
	for (size_t i = 0; i < p->nchosen; i++)
		if (p->chosen[i].index == index)
			return &p->chosen[i];
	return NULL;
}

/* --- The page --- */

static void escape(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '&')
			buf_puts(b, "&amp;");
		else if (c == '<')
			buf_puts(b, "&lt;");
		else if (c == '>')
			buf_puts(b, "&gt;");
		else if (c == '"')
			buf_puts(b, "&quot;");
		else if (c == '\'')
			buf_puts(b, "&#39;");
		else if ((unsigned char)c >= ' ' || c == '\n' || c == '\t')
			buf_putc(b, c);
	}
}

static void tag(struct buf *b, struct str text)
{
	if (text.n == 0)
		return;
	buf_puts(b, "<span>");
	escape(b, text);
	buf_puts(b, "</span>");
}

static void facts(struct buf *b, const struct json *call)
{
	const struct json *label = json_get(call, "label"), *annotations = json_get(call, "annotations");
	struct str origin;
	int64_t ms = json_get_int(json_get(call, "audio"), "duration_ms", 0);
	buf_puts(b, "<p class=\"facts\">");
	tag(b, release_label(call));
	tag(b, json_get_str(label, "fraud_type"));
	tag(b, release_scene(call, &origin));
	tag(b, json_get_str(call, "source"));
	tag(b, json_get_str(call, "split"));
	buf_printf(b, "<span>%lld.%lld s</span>", (long long)(ms / 1000), (long long)(ms % 1000 / 100));
	if (annotations) {
		buf_puts(b, "<span>annotated by ");
		escape(b, json_get_str(annotations, "writer"));
		buf_puts(b, "</span>");
	}
	buf_puts(b, "</p>\n");
}

static void turns(struct buf *b, const struct json *call)
{
	buf_puts(b, "<ol>\n");
	JSON_EACH(turn, json_get(call, "turns")) {
		bool left = str_is(turn_role(turn), "left");
		buf_printf(b, "<li class=\"%s\"><b>%s</b>", left ? "left" : "right", left ? "left" : "right");
		escape(b, turn_text(turn));
		buf_puts(b, "</li>\n");
	}
	buf_puts(b, "</ol>\n");
}

static void answer(struct buf *b, const struct json *round)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	json_write(&text, json_get(round, "answer"));
	buf_puts(b, "<code>");
	escape(b, buf_view(&text));
	buf_puts(b, "</code></details>\n");
}

static void annotations(struct buf *b, const struct json *call)
{
	for (int i = 0; i < RELEASE_ROUNDS; i++) {
		const struct json *round = json_get(json_get(call, "annotations"), release_round_name(i));
		if (!round)
			continue;
		buf_printf(b, "<details><summary>%s</summary><p>", release_round_name(i));
		escape(b, json_get_str(round, "thinking"));
		buf_puts(b, "</p>");
		answer(b, round);
	}
}

void release_preview_call(struct release_pick *pick, const char *name, const struct json *call)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	buf_printf(&b, "<section class=\"%s\" id=\"%s\">\n<h2>%s</h2>\n", pick->fraud ? "fraud" : "normal", name, name);
	facts(&b, call);
	buf_printf(&b, "<audio controls preload=\"none\" src=\"%s.mp3\"></audio>\n", name);
	turns(&b, call);
	annotations(&b, call);
	buf_puts(&b, "</section>\n");
	free_ptr(&pick->html);
	pick->html = buf_take(&b);
}

static const char page_style[] =
	":root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:52rem;margin:0 auto;padding:1rem}"
	"section{border-top:4px solid #4a8;padding:.5rem 0 1.5rem}section.fraud{border-color:#c54}h2{font:600 1rem "
	"monospace;margin:.5rem 0}"
	".facts span{border:1px solid #8886;border-radius:.6rem;padding:0 .5rem;margin-right:.4rem;font-size:.85rem}"
	"audio{width:100%}ol{list-style:none;padding:0}li{margin:.3rem 0;padding:.3rem .6rem;border-radius:.5rem;"
	"background:#8882;max-width:85%}"
	"li.right{margin-left:auto;background:#48a3}li b{font-size:.75rem;margin-right:.5rem;opacity:.7}"
	"details{margin:.4rem 0}summary{cursor:pointer}details p,code{white-space:pre-wrap;overflow-wrap:anywhere}";

void release_preview_page(struct buf *b, const struct release_preview *p, const struct json *stats)
{
	CLEANUP(buf_release) struct buf english = BUF_INIT;
	CLEANUP(buf_release) struct buf chinese = BUF_INIT;
	release_origin(&english, stats, false);
	release_origin(&chinese, stats, true);
	buf_puts(b, "<!doctype html>\n<html lang=\"zh\">\n<head>\n<meta charset=\"utf-8\">\n"
				"<meta name=\"viewport\" content=\"width=device-width\">\n"
				"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
				"media-src 'self' file:\">\n<title>");
	escape(b, json_get_str(stats, "dataset"));
	buf_printf(b, "</title>\n<style>%s</style>\n</head>\n<body>\n<h1>", page_style);
	escape(b, json_get_str(stats, "dataset"));
	buf_printf(b, "</h1>\n<p>%zu / %lld calls · %zu / %lld 通通话</p>\n<p>", p->nchosen,
		(long long)json_get_int(stats, "calls", 0), p->nchosen, (long long)json_get_int(stats, "calls", 0));
	escape(b, buf_view(&english));
	buf_puts(b, "</p>\n<p>");
	escape(b, buf_view(&chinese));
	buf_puts(b, "</p>\n<p>left: 诈骗者或服务方 (the fraudster or the service) · right: 用户 (the user)</p>\n");
	for (size_t i = 0; i < p->nchosen; i++)
		buf_puts(b, p->chosen[i].html ? p->chosen[i].html : "");
	buf_puts(b, "</body>\n</html>\n");
}
