/* What is checked of scenarios beyond one file, personas, and the starter file. */
#include "core/scenario.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/utf8.h"

#include <string.h>

struct str scenario_unspeakable(struct str text)
{
	struct str rest = text;
	while (rest.n) {
		struct str before = rest, mark = STR("，。？！、；：…—“”‘’《》·");
		uint32_t cp, m;
		bool fine = false;
		utf8_next(&rest, &cp);
		if (utf8_is_han(cp))
			continue;
		while (!fine && utf8_next(&mark, &m))
			fine = m == cp;
		if (!fine)
			return str_n(before.p, before.n - rest.n);
	}
	return (struct str){NULL, 0};
}

bool scenario_when_persona(const struct scenario_when *w, const struct persona *p)
{
	if (!(w->awareness & (unsigned)p->awareness) || p->age_max < w->age_min || p->age_min > w->age_max)
		return false;
	if (w->gender.n && !str_eq(w->gender, p->gender))
		return false;
	for (size_t i = 0; i < w->noccupations; i++)
		if (str_eq(w->occupations[i], p->occupation))
			return true;
	return w->noccupations == 0;
}

bool scenario_suits(const struct scenario *s, const struct persona *p)
{
	/* The whole age band must fit: the age itself is drawn later. */
	return scenario_when_persona(&s->suits, p) && p->age_min >= s->suits.age_min && p->age_max <= s->suits.age_max;
}

static void check_label(const struct scenario *s, const struct labels *labels, struct problems *p)
{
	if (s->fraud_type.n && !labels_is_fraud_type(labels, s->fraud_type)) {
		const struct option_list known = {labels->fraud_types, labels->nfraud_types};
		problem_unknown(p, s->label_mark, "fraud type", s->fraud_type, &known);
	}
	if (s->scene.n && !labels_is_scene(labels, s->scene)) {
		const struct option_list known = {labels->scenes, labels->nscenes};
		problem_unknown(p, s->label_mark, "scene", s->scene, &known);
	}
}

static void check_occupations(
	const struct scenario_when *w, const struct personas *personas, struct yaml_mark mark, struct problems *p)
{
	for (size_t i = 0; i < w->noccupations; i++) {
		bool found = false;
		for (size_t j = 0; j < personas->n && !found; j++)
			found = str_eq(personas->v[j].occupation, w->occupations[i]);
		if (!found)
			problem_add(p, mark, "no persona has the occupation '%.*s' (see personas.yaml)", STR_FMT(w->occupations[i]));
	}
}

/** Each persona needs an ending, and a line wherever a phase makes a side speak for it. */
static void check_persona(const struct scenario *s, const struct persona *who, struct problems *p)
{
	bool ends = false;
	for (size_t i = 0; i < s->nendings && !ends; i++)
		ends = scenario_when_persona(&s->endings[i].when, who);
	if (!ends)
		problem_add(p, s->mark, "no ending fits persona '%.*s' (awareness %.*s)", STR_FMT(who->name),
			STR_FMT(who->awareness_text));
	for (size_t i = 0; i < s->nphases; i++) {
		const struct scenario_phase *phase = &s->phases[i];
		bool speaks = !scenario_when_persona(&phase->when, who);
		for (size_t w = 0; w < phase->nways && !speaks; w++) {
			const struct scenario_way *way = &phase->ways[w];
			bool all = scenario_when_persona(&way->when, who);
			for (int role = 0; role < 2; role++) {
				bool has = way->nlines[role] == 0;
				for (size_t k = 0; k < way->nlines[role] && !has; k++)
					has = scenario_when_persona(&way->lines[role][k].when, who);
				all = all && has;
			}
			speaks = all;
		}
		if (!speaks)
			problem_add(p, phase->mark,
				"phase '%.*s' has no line for persona '%.*s' (awareness %.*s): add one, or a when: to the phase",
				STR_FMT(phase->name), STR_FMT(who->name), STR_FMT(who->awareness_text));
	}
}

bool scenario_check(
	const struct scenario *s, const struct labels *labels, const struct personas *personas, struct problems *p)
{
	size_t before = p->n, suited = 0;
	check_label(s, labels, p);
	struct str stem = s->mark.file ? fs_stem(s->mark.file) : s->name;
	if (s->name.n && !str_eq(stem, s->name))
		problem_add(
			p, s->mark, "name '%.*s' must be the file's name without .yaml ('%.*s')", STR_FMT(s->name), STR_FMT(stem));
	check_occupations(&s->suits, personas, s->mark, p);
	for (size_t i = 0; i < s->nphases; i++) {
		check_occupations(&s->phases[i].when, personas, s->phases[i].mark, p);
		for (size_t w = 0; w < s->phases[i].nways; w++)
			check_occupations(&s->phases[i].ways[w].when, personas, s->phases[i].mark, p);
	}
	for (size_t i = 0; i < personas->n; i++) {
		if (!scenario_suits(s, &personas->v[i]))
			continue;
		suited++;
		check_persona(s, &personas->v[i], p);
	}
	if (!suited)
		problem_add(p, s->mark, "no persona of personas.yaml suits this scenario");
	return p->n == before;
}

/* ---- Personas ---- */

static bool persona_text(const struct yaml_node *v, const char *key, struct str *ret, struct problems *p)
{
	const struct yaml_node *t = yaml_get(v, key);
	if (t && t->kind == YAML_SCALAR && str_trim(t->text).n) {
		*ret = str_trim(t->text);
		return true;
	}
	problem_add(p, t ? t->mark : v->mark, "a persona needs '%s', a text", key);
	return false;
}

static bool persona_word(struct str s)
{
	return s.n <= SCENARIO_VALUE_BYTES && scenario_unspeakable(s).n == 0;
}

static void persona_fillers(struct arena *a, const struct yaml_node *v, struct persona *who, struct problems *p)
{
	const struct yaml_node *words = v->kind == YAML_MAP ? yaml_get(v, "words") : NULL,
						   *often = v->kind == YAML_MAP ? yaml_get(v, "probability") : NULL;
	double d = 0;
	if (!words || words->kind != YAML_LIST || !words->n || words->n > SCENARIO_LINES_MAX || !often ||
		!yaml_real(often, &d) || d < 0 || d > 1) {
		problem_add(p, v->mark, "fillers: {words: [嗯, 那个], probability: 0.2}");
		return;
	}
	who->filler_percent = (int)(d * 100 + 0.5);
	who->fillers = arena_array(a, words->n, sizeof(struct str));
	YAML_EACH(w, words) {
		if (w->kind != YAML_SCALAR || !w->text.n || !persona_word(w->text))
			problem_add(p, w->mark, "a filler is a Chinese word, at most %d bytes", SCENARIO_VALUE_BYTES);
		else
			who->fillers[who->nfillers++] = w->text;
	}
}

static void persona_parse(struct arena *a, const struct yaml_node *v, struct persona *who, struct problems *p)
{
	static const char *const keys[] = {"name", "age", "gender", "occupation", "awareness", "fillers"};
	who->mark = v->mark;
	if (v->kind != YAML_MAP) {
		problem_add(p, v->mark, "a persona needs name, age, gender, occupation and awareness");
		return;
	}
	YAML_EACH(kid, v) {
		bool known = false;
		for (size_t i = 0; i < COUNT_OF(keys); i++)
			known = known || str_is(kid->key, keys[i]);
		if (!known)
			problem_add(p, kid->keymark, "unknown key '%.*s'; known here: name age gender occupation awareness fillers",
				STR_FMT(kid->key));
	}
	if (persona_text(v, "name", &who->name, p)) {
		bool good = who->name.n <= SCENARIO_NAME_MAX; /* it is part of ids */
		for (size_t i = 0; i < who->name.n; i++)
			good = good && memchr("abcdefghijklmnopqrstuvwxyz0123456789-", who->name.p[i], 37);
		if (!good)
			problem_add(p, v->mark, "a persona's name is 1 to %d of a-z, 0-9 and '-'", SCENARIO_NAME_MAX);
	}
	const struct yaml_node *age = yaml_get(v, "age");
	int64_t low = 0, high = 0;
	if (!age || age->kind != YAML_LIST || age->n != 2 || !yaml_int(age->first, &low) ||
		!yaml_int(age->first->next, &high) || low < 16 || high < low || high > 99)
		problem_add(p, age ? age->mark : v->mark, "a persona needs age: [lowest, highest], from 16 to 99");
	who->age_min = (int)low;
	who->age_max = (int)high;
	if (persona_text(v, "gender", &who->gender, p) && !str_is(who->gender, "男") && !str_is(who->gender, "女"))
		problem_add(p, yaml_get(v, "gender")->mark, "gender must be 男 or 女");
	if (persona_text(v, "occupation", &who->occupation, p) && !persona_word(who->occupation)) /* <职业> says it */
		problem_add(p, yaml_get(v, "occupation")->mark, "an occupation is Chinese words, at most %d bytes",
			SCENARIO_VALUE_BYTES);
	if (persona_text(v, "awareness", &who->awareness_text, p)) {
		struct str t = who->awareness_text;
		who->awareness = str_is(t, "低") ? AWARE_LOW : str_is(t, "高") ? AWARE_HIGH : AWARE_MID;
		if (who->awareness == AWARE_MID && !str_is(t, "中"))
			problem_add(p, yaml_get(v, "awareness")->mark, "awareness must be 低, 中 or 高");
	}
	if (yaml_get(v, "fillers"))
		persona_fillers(a, yaml_get(v, "fillers"), who, p);
}

bool personas_parse(struct arena *a, const char *file, struct str text, struct personas *ret, struct problems *p)
{
	size_t before = p->n;
	struct yaml_node *root;
	struct err e = ERR_INIT;
	problems_source(p, file, text);
	if (yaml_parse(a, file, text, &root, &e) != 0) {
		problem_add_err(p, (struct yaml_mark){.file = file}, &e);
		return false;
	}
	const struct yaml_node *list = root->kind == YAML_MAP ? yaml_get(root, "personas") : NULL;
	if (!list || list->kind != YAML_LIST || !list->n || root->n != 1) {
		problem_add(p, root->mark, "expected one key, 'personas', with a list of them");
		return false;
	}
	if (list->n > PERSONAS_MAX) {
		problem_add(p, list->mark, "%zu personas; a file may have %d", list->n, PERSONAS_MAX);
		return false;
	}
	struct personas got = {arena_array(a, list->n, sizeof(struct persona)), 0};
	YAML_EACH(v, list)
		persona_parse(a, v, &got.v[got.n++], p);
	for (size_t i = 0; i < got.n; i++)
		for (size_t j = 0; j < i; j++)
			if (got.v[i].name.n && str_eq(got.v[i].name, got.v[j].name))
				problem_add(p, got.v[i].mark, "two personas are called '%.*s'", STR_FMT(got.v[i].name));
	if (p->n != before)
		return false;
	*ret = got;
	return true;
}

/* ---- The starter file ---- */

static const char template_slots[] =
	"initiator: %s          # who dials: left is the fraudster or the service, right the user\n"
	"\n"
	"# Values drawn once a call. Use them as <商品> in a line. Each must be used somewhere.\n"
	"slots:\n"
	"  商品: [电饭煲, 吹风机, 台灯, 电水壶, 取暖器, 加湿器]\n"
	"  价钱: {amount: [60, 300], step: 10}\n"
	"  钟点: {time: [9, 18], step: 30}\n"
	"\n";

static const char template_fraud[] =
	"# One phase is one exchange. <甲|乙> takes either; <嗯，|> may be left out.\n"
	"phases:\n"
	"  - name: 开场\n"
	"    lines:\n"
	"      left:\n"
	"        - <您好|喂，您好>，我是购物平台的<客服|售后客服>，请问是<尊称><吗|吧>？\n"
	"        - 您好，<尊称>，我这边是<商品>商家的售后，<打扰一下|跟您说个事>。\n"
	"        - 喂，是<尊称>吗？<您买的<商品>|您那单<商品>>，<有个情况要通知您|跟您核实一下>。\n"
	"      right:\n"
	"        - <嗯，|>是我，<什么事|怎么了>？\n"
	"        - 我是，<你说|你讲>吧。\n"
	"        - <对|哎>，我买过一个<商品>，<有什么问题|是坏了吗>？\n"
	"  - name: 理由\n"
	"    lines:\n"
	"      left:\n"
	"        - <这批|您那批><商品><有质量问题|被检出不合格>，我们要退您<价钱>块钱，<今天<钟点>前办完|<钟点>截止>。\n"
	"        - 那批<商品>我们在召回，<价钱>块<全额退给您|马上退>，<钟点>以前<都能办|办完就到账>。\n"
	"        - <厂家通知召回|总部要求下架>，<商品>不用寄回，<退您|赔您><价钱>块，<名额只到<钟点>|过了<钟点>就关了>。\n"
	"      right:\n"
	"        低: [<是吗|哦>？那<怎么退|要怎么办>呀？, <还能退钱啊|这么好>？<要我做什么|我该怎么弄>？]\n"
	"        中高: [我怎么<没看到通知|没收到消息>？<用得好好的|东西没坏啊>。, "
	"退款不是<原路退回|平台直接退>吗？<打电话干什么|找我做什么>？]\n"
	"  - name: 要求\n"
	"    lines:\n"
	"      left:\n"
	"        - 您把<收到的|短信里的>验证码<念|报>给我，钱<马上|两分钟>就到账。\n"
	"        - <需要核对身份|要验证是您本人>，<请您报一下|您说一下>验证码。\n"
	"        - 退款<通道已经开了|已经提交了>，<就差|只差>一个验证码，<您看下短信|短信刚发>。\n"
	"      right:\n"
	"        低: [<等一下|我看看>……<来了|有了>，六三八二。, <收到了|短信到了>，四个数，<九二七五|三零四六>。]\n"
	"        中高: [验证码<不能告诉别人吧|短信说了谁都别给>？, <这个我可不说|验证码我不会给>，<你是骗子吧|不对劲>。]\n"
	"\n"
	"endings:\n"
	"  - by: left\n"
	"    when: {awareness: 低}\n"
	"    reason: 用户报出验证码，对方得手后挂断\n"
	"    lines:\n"
	"      left: [<收到了|好了>，<款马上到|钱在路上>，<别关机|等短信>，再见。, "
	"<登记好了|验证过了>，<您等着收钱吧|稍后到账>，再见。]\n"
	"  - by: natural\n"
	"    when: {awareness: 低}\n"
	"    reason: 用户以为退款办好，双方道别\n"
	"    lines:\n"
	"      left: [<行，办好了|好，提交了>，<稍等到账|一会儿到账>。, <没问题了|通过了>，<钱马上退|您留意短信>。]\n"
	"      right: [<好，谢谢|那谢谢啊>，再见。, <麻烦你了|辛苦>，<再见|拜拜>。]\n"
	"  - by: right\n"
	"    when: {awareness: 中高}\n"
	"    reason: 用户识破后挂断\n"
	"    lines:\n"
	"      left: [您不配合就<退不了款了|没法退了>。, 这是正规流程，<您放心|不会有事>。]\n"
	"      right: [那我<自己找平台客服|去平台上问>，<先挂了|挂了>。, "
	"<不用了|算了>，<我要举报这个号码|别再打来>，<挂了|再见>。]\n"
	"\n";

static const char template_normal[] =
	"# One phase is one exchange. <甲|乙> takes either; <嗯，|> may be left out.\n"
	"phases:\n"
	"  - name: 开场\n"
	"    lines:\n"
	"      left:\n"
	"        - 您好，<请问有什么可以帮您|请讲>？\n"
	"        - <喂，|>您好，这里是<服务台|商场服务台>，您请说。\n"
	"        - <您好|你好>，<家电部|小家电柜台>，<要买点什么|您说>？\n"
	"      right:\n"
	"        - 你好，<我想|想>问一下<商品>还有吗？\n"
	"        - <喂，|>我想买个<商品>，<有货吗|还有没有>？\n"
	"        - <请问|那个，请问>，<商品><到货了没有|有现货吗>？\n"
	"  - name: 价钱\n"
	"    lines:\n"
	"      left:\n"
	"        - 有的，<现在|这两天><价钱>块，<您要几个|您看要不要>？\n"
	"        - <商品>还有货，一个<价钱>块，<您要吗|要不要留>？\n"
	"        - <有|刚到货>，<价钱>块，<送一年保修|保修一年>，<您看行吗|要的话我记上>？\n"
	"      right:\n"
	"        - 行，<那就|>要一个。\n"
	"        - 可以，给我留一个<吧|>。\n"
	"        - <价钱>块啊，<还行|不算贵>，<来一个|我要了>。\n"
	"  - name: 取货\n"
	"    lines:\n"
	"      left:\n"
	"        - 好的，<给您留着|我记下了>，您什么时候来<拿|取>？\n"
	"        - 行，货给您放<前台|柜台>，您几点过来？\n"
	"        - <没问题|可以>，<自己来取还是送货|要不要送货上门>？\n"
	"      right:\n"
	"        - <我自己来拿|自己取>，<钟点>左右<到|过去>。\n"
	"        - <钟点>吧，<我下了班去|那会儿有空>，<到了打电话|直接去柜台>。\n"
	"        - 我<钟点>过去<取|拿>，<帮我包好|别卖给别人>。\n"
	"\n"
	"endings:\n"
	"  - by: natural\n"
	"    weight: 2\n"
	"    reason: 事情办好，双方道别\n"
	"    lines:\n"
	"      left: [好的，<到时候见|我们等您>。, <没问题|好嘞>，<报姓名就能取|来了找我>。, "
	"<行|好>，<钟点>见，<路上慢点|带好小票>。]\n"
	"      right: [好，<谢谢|麻烦了>，再见。, <行|嗯>，<拜拜|再见>。]\n"
	"  - by: right\n"
	"    reason: 用户有事先挂\n"
	"    lines:\n"
	"      left: [行，<报姓名就能取|到了说一声>。, 好，<最多留到晚上|我们九点关门>。]\n"
	"      right: [好，<我还有事|有人找我>，先挂了啊。, <知道了|记住了>，<挂了|先这样>。]\n"
	"  - by: left\n"
	"    reason: 店员忙，先挂断\n"
	"    lines:\n"
	"      left: [好，<柜台来人了|这边有顾客>，<先挂了|回头见>。, <记好了|登记了>，<钟点>等您，再见。]\n"
	"\n";

void scenario_template(struct buf *b, struct str name, bool is_fraud, struct str label)
{
	buf_printf(
		b, "# What this call is about, in a sentence. The format: docs/scenarios.md\nname: %.*s\ntitle: 一句话说明\nkind: %s\n%s: %.*s\n",
		STR_FMT(name), is_fraud ? "fraud" : "normal", is_fraud ? "fraud_type" : "scene", STR_FMT(label));
	buf_printf(b, template_slots, is_fraud ? "left " : "right");
	buf_puts(b, is_fraud ? template_fraud : template_normal);
	buf_printf(
		b, "# What every call of this file must keep to; run by `make check`.\ntests:\n  runs: 30\n  min_turns: 6\n  max_turns: 10\n  must_contain: [%s]\n",
		is_fraud ? "验证码" : "块");
}
