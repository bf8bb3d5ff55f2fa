/* Telling a model that declines from a person who does. Our texts are full of people who decline ("抱歉，我不能告诉你验证码"), and one such line that is taken
 * for a refusal throws a good call away; a refusal that is missed is still seen by whoever checks the call. So an apology proves nothing, and
 * neither does 不能: a refusal says that it comes from a model, or names what only a model is asked for (to write, to play a part, this request).
 * Looked at are the first sentences, each from its beginning, in a tidied copy: letters small, no blanks beside Chinese, no quotes or markup. */
#include "core/chat.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

#define LOOKED_AT 900 /* bytes */
#define SENTENCES 3
#define PARTS 4

/* What stands in front of the refusal itself; any number of them. */
static const char openers[] =
	"我很抱歉|我非常抱歉|真的很抱歉|很抱歉|非常抱歉|十分抱歉|实在抱歉|深感抱歉|抱歉|非常对不起|对不起|不好意思|您好|"
	"你好|"
	"尊敬的用户|亲爱的用户|感谢您的理解|感谢你的理解|感谢您的提问|我理解您的需求|我理解你的需求|我明白您的需求|"
	"但是|但|不过|然而|因此|所以|i'm sorry|i am sorry|i'm really sorry|i'm very sorry|sorry|i apologize|my "
	"apologies|apologies|"
	"unfortunately|but|however|i understand|,| |:|-|—|~";

/* The first person and a word for declining. Bare ones count only where the sentence begins: elsewhere it may be somebody else who cannot. */
#define I_DECLINE \
	"我无法|我不能|我不会|我没办法|我没法|我难以|我拒绝|我不可以|我不便|我不应|我暂时无法|我恐怕无法|我恐怕不能|" \
	"我并不能|我必须拒绝|我只能拒绝|" \
	"我不得不拒绝|我不被允许"
#define BARE_DECLINE "无法|不能|不便|拒绝|恕我无法|恕我不能|恕无法|恕不能|恕难"
#define WRITE_VERB "生成|创作|编写|撰写|续写|模拟|扮演|仿写|改写|虚构|写出|进行角色扮演|代写"
#define WRITTEN "内容|对话|诈骗|欺诈|话术|剧本|脚本|角色|请求|文本|场景|骗子|通话|台词|文案"
#define HELP_VERB "协助|帮助|满足|完成|回应|响应|参与|支持|遵循|执行|继续"
#define THE_REQUEST \
	"该请求|这个请求|这一请求|此请求|这类请求|此类请求|这样的请求|这种请求|相关请求|上述请求|此类任务|这类任务|" \
	"此类内容|这类内容"
#define GIVE_VERB "提供|给出|输出|协助|帮助|参与|支持|讨论|制作|给到"
#define BAD "诈骗|欺诈|违法|非法|有害|不当|犯罪|不道德|不良|骗人|违规|骗局"
#define BAD_WRITTEN "内容|话术|剧本|脚本|对话|文本|请求|指导|场景|台词|文案|角色扮演|素材|示例"
#define MODEL \
	"ai语言模型|ai助手|ai模型|人工智能助手|人工智能模型|人工智能语言模型|语言模型|大模型|ai,|人工智能,|ai我|" \
	"人工智能我"
#define I_CANNOT_EN \
	"i can't|i cannot|i can not|i won't|i will not|i'm unable to|i am unable to|i'm not able to|i am not able to|i " \
	"must decline|i have to decline|" \
	"i'm not comfortable|i am not comfortable|i don't feel comfortable|i do not feel comfortable|i'm afraid i " \
	"can't|i shouldn't"

struct part {
	int gap;         /* bytes that may stand before it */
	const char *any; /* one of these */
};
static const struct rule {
	struct part parts[PARTS];
	const char *without; /* none of these in the sentence; NULL: any */
	bool whole;          /* and the answer says nothing else */
} rules[] = {
	/* I am a model, and … not */
	{{{0, "作为|身为"}, {45, MODEL},
		 {120, "不能|无法|不会|不应|不可以|不提供|不参与|不支持|不得|拒绝|没学习|没有学习|未学习|不具备|没有能力"}},
		NULL, false},
	{{{0, "我是|我只是|我仅是|由于我是"}, {12, MODEL},
		 {90, "我不能|我无法|我不会|,不能|,无法|,不会|没有能力|,不参与|,不提供|所以无法|因此无法"}},
		NULL, false},
	{{{0, "as an ai|as a language model|as a large language model|as an artificial intelligence|i'm an ai|i am an "
		  "ai|i'm just an ai"},
		 {200, "can't|cannot|can not|unable|won't|not able|don't|must|not appropriate|decline|not designed"}},
		NULL, false},
	/* I cannot write, play, simulate … */
	{{{90, I_DECLINE}, {45, WRITE_VERB}, {60, WRITTEN}}, NULL, false},
	{{{0, BARE_DECLINE}, {45, WRITE_VERB}, {60, WRITTEN}}, NULL, false},
	/* I cannot help with this request */
	{{{90, I_DECLINE}, {30, HELP_VERB}, {45, THE_REQUEST}}, NULL, false},
	{{{0, BARE_DECLINE}, {30, HELP_VERB}, {45, THE_REQUEST}}, NULL, false},
	{{{0, "我无法|无法"}, {12, "满足|协助|完成|处理|帮助"}, {30, "您的请求|你的请求"}}, NULL, true},
	/* I cannot provide fraudulent content */
	{{{90, I_DECLINE}, {30, GIVE_VERB}, {60, BAD}, {30, BAD_WRITTEN}}, NULL, false},
	{{{0, BARE_DECLINE}, {30, GIVE_VERB}, {60, BAD}, {30, BAD_WRITTEN}}, NULL, false},
	{{{90, I_DECLINE}, {15, "提供|给出|输出|给到"},
		 {15, "此类内容|这类内容|该类内容|此类话术|此类剧本|此类对话|这样的内容|这类对话|相关内容"}},
		NULL, false},
	{{{90, I_DECLINE}, {15, "协助"}, {30, "诈骗|欺诈"}}, "你|您", false},
	/* "我们" is a company's: a model is one */
	{{{60, "我无法|我不能"}, {0, "提供"}, {0, "这方面的帮助|这方面的协助|此类帮助|这类帮助|相关帮助"}}, "我们", false},
	{{{30, "这个话题我无法继续|这个话题我不能继续|我无法继续这个话题|我无法讨论这个话题"}}, NULL, false},
	/* This request is of a kind that … */
	{{{0, "您的请求|你的请求|该请求|这个请求|此请求|这一请求|您请求的|你请求的|您的提问|你的提问|您输入的|你输入的"},
		 {30, "涉及|违反|包含|含有|属于|可能"}, {150, "无法|不能|不会|拒绝|违法|诈骗|欺诈|有害|不当|敏感"}},
		NULL, false},
	/* What services put in place of an answer */
	{{{60, "让我们换个话题再聊聊|我还没有学会回答这个|我还没学会回答这个|我还没学习如何回答|我还没有学习如何回答"}},
		NULL, false},
	/* The same in English: our dialogues have no English lines, but prompts may be answered in it */
	{{{60, I_CANNOT_EN},
		 {24, "assist|help with|help you with|help create|help "
			  "write|fulfill|fulfil|comply|create|generat|write|writing|creating|engag|participat|role-play|"
			  "roleplay|role play|simulat|produc|continue with|do that"}},
		NULL, false},
	{{{60, I_CANNOT_EN}, {24, "provid|support|discuss|offer"},
		 {60, "content|script|request|assistance|guidance|instruction|dialogue|conversation|scam|fraud"}},
		NULL, false},
};

/* No rule holds without one of these: most answers are through here at once. */
static const char *const tells[] = {"ai", "人工智能", "模型", "生成", "创作", "写", "模拟", "扮演", "虚构", "请求",
	"任务", "内容", "话术", "剧本", "脚本", "指导", "诈骗", "欺诈", "对话", "文本", "场景", "台词", "文案", "素材",
	"示例", "话题", "帮助", "协助", "学会回答", "学习如何", "提问", "输入", "i can", "i wo", "i will", "i'm", "i am",
	"i must", "i have", "i do", "i should", "as a"};

static bool tells_anything(struct str text)
{
	for (size_t i = 0; i < COUNT_OF(tells); i++)
		if (str_find(text, str_of(tells[i])) >= 0)
			return true;
	return false;
}

/* The longest alternative of "a|b|c" at the front of `s`: its length, or 0. By hand: this is the inner loop. */
static size_t any_at(const char *any, struct str s)
{
	size_t best = 0;
	for (const char *p = any; *p;) {
		size_t n = 0;
		while (n < s.n && p[n] == s.p[n] && p[n] && p[n] != '|')
			n++;
		p += n;
		if ((*p == '|' || !*p) && n > best)
			best = n;
		while (*p && *p != '|')
			p++;
		if (*p)
			p++;
	}
	return best;
}

static bool any_in(const char *any, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (any_at(any, str_n(s.p + i, s.n - i)))
			return true;
	return false;
}

static bool parts_match(const struct part *parts, int n, struct str s)
{
	if (n == 0 || !parts->any)
		return true;
	for (size_t i = 0; i <= (size_t)parts->gap && i < s.n; i++) {
		size_t taken = any_at(parts->any, str_n(s.p + i, s.n - i));
		if (taken && parts_match(parts + 1, n - 1, str_n(s.p + i + taken, s.n - i - taken)))
			return true;
	}
	return false;
}

static void put(struct buf *b, uint32_t cp)
{
	char bytes[4];
	buf_add(b, bytes, utf8_put(cp, bytes));
}

/* One code point of the tidied copy; 0 drops it. Ends of sentences become '.', commas ','. */
static uint32_t tidied(uint32_t cp)
{
	switch (cp) {
	case 0x2018:
	case 0x2019:
		return '\'';
	case 0xFF0C:
	case 0x3001: /* ，、 */
		return ',';
	case 0x3002:
	case 0xFF01:
	case 0xFF1F:
	case 0xFF1B:
	case '!':
	case '?':
	case ';':
	case '\n': /* 。！？； */
		return '.';
	case 0xFF1A:
		return ':';
	case '"':
	case '*':
	case '#':
	case '`':
	case '>':
	case '_':
	case 0x201C:
	case 0x201D:
	case 0x300C:
	case 0x300D:
	case 0x300E:
	case 0x300F:
	case '\r':
		return 0;
	default:
		if (utf8_is_space(cp))
			return ' ';
		return cp < 0x80 ? (uint32_t)tolower((int)cp) : cp;
	}
}

/* Blanks stay between two words of Latin letters only: "AI 助手" is "ai助手". */
static void tidy(struct str text, struct buf *ret)
{
	struct str rest = utf8_clip(text, LOOKED_AT);
	uint32_t cp, last = 0;
	bool blank = false;
	while (utf8_next(&rest, &cp)) {
		cp = tidied(cp);
		if (cp == 0)
			continue;
		if (cp == ' ') {
			blank = true;
			continue;
		}
		if (blank && last > ' ' && last < 0x80 && cp < 0x80 && last != '.' && cp != '.')
			put(ret, ' ');
		blank = false;
		put(ret, cp);
		last = cp;
	}
}

static bool declines(struct str sentence, bool alone)
{
	size_t taken;
	while ((taken = any_at(openers, sentence)) > 0)
		sentence = str_n(sentence.p + taken, sentence.n - taken);
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		const struct rule *r = &rules[i];
		if (r->whole && !alone)
			continue;
		if (r->without && any_in(r->without, sentence))
			continue;
		if (parts_match(r->parts, PARTS, sentence))
			return true;
	}
	return false;
}

bool answer_refuses(struct str text)
{
	text = str_trim(text);
	if (text.n == 0 || text.p[0] == '{' || text.p[0] == '[')
		return false;
	CLEANUP(buf_release) struct buf b = BUF_INIT_MAX(LOOKED_AT * 4);
	tidy(text, &b);
	struct str rest = buf_view(&b), sentence;
	int seen = 0;
	if (!tells_anything(rest))
		return false;
	while (seen < SENTENCES && str_split(&rest, '.', &sentence)) {
		if (sentence.n == 0)
			continue;
		bool alone = seen++ == 0 && (!rest.p || rest.n == 0);
		if (declines(sentence, alone))
			return true;
	}
	return false;
}
