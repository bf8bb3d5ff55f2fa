#include "tests/stages/synthesize/agentkit.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <stdio.h>
#include <string.h>

static const char *const left_lines[] = {"您好，请问是本人吗？我这边是江海银行信用卡中心的。",
	"您的卡上午在外地刷了一笔三千五百块，这笔是您刷的吧？", "别着急，我马上给您冻结，待会儿有个验证码您念给我。",
	"这个码只用来撤销交易，晚了钱就划走了。", "系统只留五分钟，您看一眼短信就行。", "我们这边都有录音，您尽管放心好了。",
	"您要是不配合，后果只能自己承担。", "我替您再申请延长两分钟吧。", "主管说今天处理还来得及。"};
static const char *const right_lines[] = {"是我，怎么了？", "没有啊，我今天一直在家里待着。",
	"哎呀，那可怎么办，我手机在桌上呢。", "短信上写着谁都不能告诉，我心里没底。", "等会儿，我去找一下老花镜。",
	"我儿子说过这种电话要小心一点。", "那我还是自己打卡背面的电话问问。", "家里来客人了，一下子走不开。",
	"这么多钱可不是小数目呀。"};

/* "left 3" → 3 */
static size_t number_of(const char *step)
{
	int64_t n = 0;
	const char *blank = strrchr(step, ' ');
	ASSERT(blank && str_int(str_of(blank + 1), &n) && n > 0);
	return (size_t)n;
}

static const char *spoken(struct agentkit *k, const char *step)
{
	bool left = strstr(step, "left") != NULL;
	const char *line;
	if (str_starts(str_of(step), "closing")) {
		line = left ? "好的，那就不打扰您了，再见。" : "行，那就这样，我先挂了，再见。";
	} else {
		size_t n = number_of(step) - 1;
		ASSERT(n < COUNT_OF(left_lines));
		line = left ? left_lines[n] : right_lines[n];
	}
	return k->emotions
			   ? arena_printf(&k->kit.arena, "{\"emotion\":\"%s\",\"text\":\"%s\"}", left ? "严肃" : "犹豫", line)
			   : line;
}

static const char *verdict(struct agentkit *k, const char *step)
{
	bool over = str_starts(str_of(step), "hang-up") || (k->over_at && number_of(step) >= (size_t)k->over_at);
	return arena_printf(&k->kit.arena,
		"好的。\n```json\n{\"should_terminate\":%s,\"terminator\":\"%s\",\"reason\":\"%s\"}\n```",
		over ? "true" : "false", over && k->terminator ? k->terminator : "natural", over ? "话说完了" : "还没有结果");
}

static struct llmkit_answer answer(void *arg, const struct llmkit_asked *asked)
{
	struct agentkit *k = arg;
	bool manager = str_starts(str_of(asked->step), "manager") || str_starts(str_of(asked->step), "hang-up");
	if (k->bad_step && strcmp(k->bad_step, asked->step) == 0 && asked->draw < k->bad_draws)
		return (struct llmkit_answer){.content = k->bad};
	return (struct llmkit_answer){.content = manager ? verdict(k, asked->step) : spoken(k, asked->step)};
}

static struct agentkit *opened;

/* Scenario files, for the source's side of the work. */
static int read_file(void *arg, int file, struct str *ret, struct err *e)
{
	struct kit *k = &opened->kit;
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	(void)arg;
	int rc = fs_read(arena_str(&k->arena, k->files->v[file]).p, 1 << 20, &b, e);
	if (rc == 0)
		*ret = arena_str(&k->arena, buf_view(&b));
	return rc;
}

void agents_open(struct agentkit *k, const char *with)
{
	struct err e = ERR_INIT;
	char yaml[512];
	memset(k, 0, sizeof(*k));
	llmkit_init(&k->llm, answer, k);
	k->llm.io.file = read_file;
	snprintf(yaml, sizeof(yaml), "{provider: llm, scenarios: stages/synthesize/scenarios, %s}", with);
	if (kit_open_with(&k->kit, &stage_synthesize, yaml, &k->llm.provider, &e) != 0 || kit_list(&k->kit, &e) != 0)
		fprintf(stderr, "%s\n", e.text);
	ASSERT(e.code == 0);
	k->kit.io = &k->llm.io;
	k->emotions = strstr(with, "emotions: true") != NULL;
	opened = k;
}

void agents_close(struct agentkit *k)
{
	kit_close(&k->kit);
	llmkit_release(&k->llm);
}

int agents_work(struct agentkit *k, const struct kit_item *item, struct work *ret, struct err *e)
{
	struct work_io *io = ARENA_NEW(&k->kit.arena, struct work_io);
	llmkit_forget(&k->llm);
	*io = k->llm.io;
	*ret = (struct work){
		.stage = &k->kit.stage, .id = item->id, .arena = &k->kit.arena, .call = item->content, .at = item->at, .io = io};
	return k->kit.stage.ops->process(ret, e);
}

const struct kit_item *agents_item(struct agentkit *k, const char *scenario)
{
	for (size_t i = 0; i < k->kit.n; i++)
		if (str_is(json_get_str(k->kit.items[i].content, "scenario"), scenario))
			return &k->kit.items[i];
	ASSERT(!"a scenario that is listed");
	return NULL;
}

const char *agents_steps(struct agentkit *k)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	for (size_t i = 0; i < k->llm.n; i++) {
		buf_printf(&b, "%s%s", i ? " " : "", k->llm.asked[i].step);
		if (k->llm.asked[i].draw)
			buf_printf(&b, "/%d", k->llm.asked[i].draw);
	}
	return arena_strdup(&k->kit.arena, b.data);
}

const struct llmkit_asked *agents_asked(const struct agentkit *k, const char *step)
{
	for (size_t i = 0; i < k->llm.n; i++)
		if (strcmp(k->llm.asked[i].step, step) == 0)
			return &k->llm.asked[i];
	return NULL;
}

struct str asked_role(const struct llmkit_asked *asked, size_t i)
{
	return json_get_str(json_at(asked->messages, i), "role");
}

struct str asked_text(const struct llmkit_asked *asked, size_t i)
{
	return json_get_str(json_at(asked->messages, i), "content");
}
