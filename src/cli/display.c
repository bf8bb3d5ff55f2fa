#include "cli/display.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "base/utf8.h"
#include "cli/say.h"
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT 24
#define DIM "\x1b[2m"
#define RED "\x1b[31m"
#define GREEN "\x1b[32m"
#define PLAIN "\x1b[0m"

int64_t stage_done(const struct stage_counts *c)
{
	return c->out + c->rejected + c->quarantined;
}

bool is_characters(const char *unit)
{
	return unit && strcmp(unit, UNIT_CHARACTERS) == 0;
}

struct counted status_counted(const struct run_status *s)
{
	struct counted ret = {false, false};
	for (size_t i = 0; i < s->nstages; i++) {
		const struct stage_counts *c = &s->stages[i].c;
		bool any = c->tokens_in + c->tokens_out + c->more_tokens > 0;
		ret.tokens |= any && !is_characters(s->stages[i].unit);
		ret.characters |= any && is_characters(s->stages[i].unit);
	}
	return ret;
}

void put_cut(struct buf *b, struct str line, size_t columns)
{
	if (utf8_width(line) <= columns) {
		buf_str(b, line);
		return;
	}
	size_t used = 0;
	struct str rest = line;
	for (uint32_t cp; columns > 0;) {
		struct str before = rest;
		if (!utf8_next(&rest, &cp))
			break;
		struct str one = str_n(before.p, before.n - rest.n);
		size_t width = utf8_width(one);
		if (used + width > columns - 1)
			break;
		buf_str(b, one);
		used += width;
	}
	if (columns > 0)
		buf_puts(b, "…");
}

/* --- Rates --- */

static double past_rate(struct display_past *p, int64_t now, int64_t done)
{
	size_t oldest = p->n < DISPLAY_HISTORY ? 0 : p->next;
	double rate = 0;
	if (p->n > 0 && now > p->at_ms[oldest] && done > p->done[oldest])
		rate = (double)(done - p->done[oldest]) * 1000 / (double)(now - p->at_ms[oldest]);
	p->at_ms[p->next] = now;
	p->done[p->next] = done;
	p->next = (p->next + 1) % DISPLAY_HISTORY;
	if (p->n < DISPLAY_HISTORY)
		p->n++;
	return rate;
}

/* --- Lines --- */

static void put_rate(struct buf *b, const struct stage_counts *c, double rate)
{
	if (rate <= 0)
		return;
	buf_printf(b, rate < 10 ? "  %.1f/s" : "  %.0f/s", rate);
	int64_t left = c->total - stage_done(c);
	if (left > 0) {
		buf_puts(b, "  ETA ");
		put_seconds(b, (double)left / rate);
	}
}

void display_stage_line(struct buf *b, const struct stage_status *s, double rate, size_t name_width, size_t columns)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	CLEANUP(buf_release) struct buf count = BUF_INIT;
	const struct stage_counts *c = &s->c;
	int64_t done = stage_done(c);
	put_count(&count, done);
	if (c->total >= done && c->total > 0) {
		buf_putc(&count, '/');
		put_count(&count, c->total);
	}
	buf_printf(&line, "%s%*s  %13s", s->name, (int)(name_width - utf8_width(str_of(s->name))), "", count.data);
	static const char *const words[] = {"cached", "rejected", "failed", "in flight"};
	const int64_t numbers[] = {c->cached, c->rejected, c->quarantined, c->in_flight};
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (numbers[i] <= 0 || (s->finished && i == 3))
			continue;
		buf_printf(&line, "  %s ", words[i]);
		put_count(&line, numbers[i]);
	}
	if (!s->finished)
		put_rate(&line, c, rate);
	if (c->tokens_in + c->tokens_out > 0) {
		buf_printf(&line, "  %s ", is_characters(s->unit) ? UNIT_CHARACTERS : UNIT_TOKENS);
		put_count(&line, c->tokens_in + c->tokens_out);
	}
	if (c->cost > 0)
		buf_printf(&line, "  cost %.4f", c->cost);
	if (s->finished || s->stopped)
		buf_puts(&line, s->finished ? "  done" : "  stopped");
	put_cut(b, buf_view(&line), columns);
}

static size_t name_width_of(const struct run_status *s)
{
	size_t wide = 0;
	for (size_t i = 0; i < s->nstages; i++) {
		size_t width = utf8_width(str_of(s->stages[i].name));
		if (width > wide)
			wide = width;
	}
	return wide;
}

/* --- A terminal --- */

static void terminal_size(FILE *out, size_t *columns, size_t *rows)
{
	struct winsize size;
	*columns = COLUMNS_DEFAULT;
	*rows = ROWS_DEFAULT;
	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
		*columns = size.ws_col;
		*rows = size.ws_row;
	}
}

/* Under the lock. A window made narrower has broken the lines drawn before into several rows each. */
static void erase(struct display *d)
{
	size_t columns, rows, up = 0;
	if (d->ndrawn == 0)
		return;
	terminal_size(d->out, &columns, &rows);
	for (size_t i = 0; i < d->ndrawn; i++)
		up += d->widths[i] <= columns ? 1 : (d->widths[i] + columns - 1) / columns;
	if (up > rows - 1)
		up = rows > 1 ? rows - 1 : 1;
	fprintf(d->out, "\r\x1b[%zuA\x1b[J", up);
	d->ndrawn = 0;
}

static void redraw(struct display *d)
{
	fwrite(d->text.data, 1, d->text.len, d->out);
	fflush(d->out);
}

static void before_log(void *display)
{
	struct display *d = display;
	pthread_mutex_lock(&d->lock);
	erase(d);
	fflush(d->out);
}

static void after_log(void *display)
{
	pthread_mutex_unlock(&((struct display *)display)->lock);
}

static const char *colour_of(const struct display *d, const struct stage_status *s)
{
	if (!d->colour)
		return "";
	return s->c.quarantined || s->stopped ? RED : s->finished ? GREEN : stage_done(&s->c) == 0 ? DIM : "";
}

static void draw(struct display *d, const struct run_status *s, const double *rates)
{
	size_t columns, rows, name_width = name_width_of(s);
	terminal_size(d->out, &columns, &rows);
	size_t room = rows > 3 ? rows - 2 : 1, lines = 0, hidden = 0;
	buf_clear(&d->text);
	size_t widths[DISPLAY_LINES];
	for (size_t i = 0; i < s->nstages; i++) {
		bool fits = s->nstages <= room || s->nstages - i <= room - lines || !s->stages[i].finished;
		if (!fits || lines == room || lines == DISPLAY_LINES - 1) {
			hidden++;
			continue;
		}
		size_t from = d->text.len;
		const char *colour = colour_of(d, &s->stages[i]);
		buf_puts(&d->text, colour);
		from += strlen(colour);
		display_stage_line(&d->text, &s->stages[i], rates[i], name_width, columns > 1 ? columns - 1 : 1);
		widths[lines++] = utf8_width(str_n(d->text.data + from, d->text.len - from));
		buf_printf(&d->text, "%s\n", colour[0] ? PLAIN : "");
	}
	if (hidden) {
		size_t from = d->text.len;
		CLEANUP(buf_release) struct buf more = BUF_INIT;
		buf_printf(&more, "(%zu stages not shown)", hidden);
		put_cut(&d->text, buf_view(&more), columns > 1 ? columns - 1 : 1);
		widths[lines++] = utf8_width(str_n(d->text.data + from, d->text.len - from));
		buf_putc(&d->text, '\n');
	}
	pthread_mutex_lock(&d->lock);
	erase(d);
	memcpy(d->widths, widths, lines * sizeof(*widths));
	d->ndrawn = lines;
	redraw(d);
	pthread_mutex_unlock(&d->lock);
}

/* --- Elsewhere --- */

static void plain_line(struct display *d, const struct run_status *s, const double *rates)
{
	int64_t now = clock_ms();
	if (now - d->plain_ms < DISPLAY_PLAIN_MS)
		return;
	d->plain_ms = now;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	put_seconds(&b, s->seconds);
	for (size_t i = 0; i < s->nstages; i++) {
		const struct stage_counts *c = &s->stages[i].c;
		int64_t done = stage_done(c);
		buf_printf(&b, " | %s %lld", s->stages[i].name, (long long)done);
		if (c->total >= done && c->total > 0 && !s->stages[i].finished)
			buf_printf(&b, "/%lld", (long long)c->total);
		if (c->quarantined)
			buf_printf(&b, " failed %lld", (long long)c->quarantined);
		if (!s->stages[i].finished)
			put_rate(&b, c, rates[i]);
	}
	buf_putc(&b, '\n');
	pthread_mutex_lock(&d->lock);
	fputs(b.data, d->out);
	fflush(d->out);
	pthread_mutex_unlock(&d->lock);
}

void display_tick(void *display, const struct run_status *s)
{
	struct display *d = display;
	int64_t now = clock_ms();
	if (d->npast < s->nstages) {
		d->past = xreallocarray(d->past, s->nstages, sizeof(*d->past));
		memset(d->past + d->npast, 0, (s->nstages - d->npast) * sizeof(*d->past));
		d->npast = s->nstages;
	}
	if (stop_level() == STOP_FINISH && !d->told) {
		d->told = true;
		log_warn(NULL, "finishing what is in flight; once more drops it");
	}
	CLEANUP(free_ptr) double *rates = xcalloc(s->nstages + 1, sizeof(*rates));
	for (size_t i = 0; i < s->nstages; i++)
		rates[i] = past_rate(
			&d->past[i], now, s->stages[i].c.computed); /* what was found in the store tells nothing of the rest */
	if (d->live)
		draw(d, s, rates);
	else
		plain_line(d, s, rates);
}

void display_init(struct display *d, FILE *out)
{
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
	*d = (struct display){.out = out, .plain_ms = clock_ms()};
	buf_init(&d->text, BUF_DEFAULT_MAX);
	pthread_mutex_init(&d->lock, NULL);
	d->live = isatty(fileno(out)) && term && term[0] && strcmp(term, "dumb") != 0;
	d->colour = d->live && !(no_colour && no_colour[0]);
	log_set_hook(before_log, after_log, d);
}

void display_release(struct display *d)
{
	log_set_hook(NULL, NULL, NULL);
	erase(d);
	fflush(d->out);
	buf_release(&d->text);
	free(d->past);
	pthread_mutex_destroy(&d->lock);
}

/* --- The table at the end --- */

static void provider_line(struct buf *b, const struct provider_status *p)
{
	static const char *const words[] = {
		"limited (429)", "server errors", "without a reply", "refused by the model", "filtered", "answers not valid"};
	const struct account_counts *c = &p->c;
	const int64_t numbers[] = {c->limited, c->troubled, c->lost, c->refused, c->filtered, c->invalid};
	buf_printf(b, "provider %s: ", p->name);
	put_many(b, c->requests, "request");
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (!numbers[i])
			continue;
		buf_puts(b, ", ");
		put_count(b, numbers[i]);
		buf_printf(b, " %s", words[i]);
	}
	buf_puts(b, "; ");
	put_taken(b, is_characters(p->unit), c->tokens_in, c->tokens_out);
	if (c->cost)
		buf_printf(b, "; cost %.4f", (double)c->cost / 1e6);
	if (c->paused_s)
		buf_printf(b, "; paused for %lld s", (long long)c->paused_s);
	buf_putc(b, '\n');
}

void put_taken_cells(struct table *t, struct counted counted, const struct stage_status *s)
{
	int64_t n = s->c.tokens_in + s->c.tokens_out;
	bool characters = is_characters(s->unit);
	if (counted.tokens)
		table_cell_count(t, characters ? 0 : n);
	if (counted.characters)
		table_cell_count(t, characters ? n : 0);
}

void status_table(struct buf *b, const struct run_status *s)
{
	struct counted counted = status_counted(s);
	bool cost = false;
	for (size_t i = 0; i < s->nstages; i++)
		cost |= s->stages[i].c.cost > 0;
	const char *heads[TABLE_COLUMNS] = {
		"stage", ">in", ">out", ">cached", ">computed", ">rejected", ">quarantined", ">work time"};
	size_t n = 8;
	if (counted.tokens)
		heads[n++] = ">" UNIT_TOKENS;
	if (counted.characters)
		heads[n++] = ">" UNIT_CHARACTERS;
	if (cost)
		heads[n++] = ">cost";
	CLEANUP(table_release) struct table t;
	table_init(&t, heads, n);
	for (size_t i = 0; i < s->nstages; i++) {
		const struct stage_counts *c = &s->stages[i].c;
		const int64_t counts[] = {c->in, c->out, c->cached, c->computed, c->rejected, c->quarantined};
		table_cell(&t, str_of(s->stages[i].name));
		for (size_t k = 0; k < COUNT_OF(counts); k++)
			table_cell_count(&t, counts[k]);
		table_cell_seconds(&t, c->seconds);
		put_taken_cells(&t, counted, &s->stages[i]);
		if (cost) {
			CLEANUP(buf_release) struct buf price = BUF_INIT;
			buf_printf(&price, "%.4f", c->cost);
			table_cell(&t, buf_view(&price));
		}
	}
	table_print(&t, b);
	for (size_t i = 0; i < s->nproviders; i++)
		provider_line(b, &s->providers[i]);
}
