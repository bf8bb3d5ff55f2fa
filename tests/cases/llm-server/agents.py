"""The scripted agents: whole talks in which both sides are asked in turn, verdicts, annotations, new dialogues, and each misbehaviour."""
import collections
import json
import os
import re

from client import Server, check

END = "##ENDCALL_SIGNAL##"
FRAUD = ["投资诈骗", "钓鱼诈骗", "身份盗窃", "彩票诈骗", "银行诈骗", "绑架诈骗", "客服诈骗", "邮件诈骗"]
EVERYDAY = ["订餐服务", "咨询客服", "预约服务", "交通咨询", "日常购物", "打车服务", "外卖服务"]
VERDICT = ('你在旁边听一通电话，判断该不该结束。只输出 JSON：{"should_terminate": true 或 false, '
           '"terminator": "left" 或 "right" 或 "natural" 或 "endcall", "reason": "一句话"}')
BAD = {
    "placeholder": r"XX|\[姓名\]|（提供|xxxx", "stage-direction": r"（停顿|（犹豫|（语气|【等待|\*叹气", "markup": r"\*\*",
    "leaked-token": r"<\||##(?!ENDCALL)", "meta": "作为一个AI|用户画像|模拟示例|等待用户", "english": "[A-Za-z]{4,}.*[a-z]{3,}",
    "role-prefix": r"^(客服|诈骗者|主叫|left|用户|接电话的人|被叫|right)[:：]", "two-turns": "\n"}


def prompts(i, signal=True):
    fraud = i % 2 == 0
    kind = (FRAUD if fraud else EVERYDAY)[i // 2 % (8 if fraud else 7)]
    hang_up = f"要挂断时在句末加上 {END}。" if signal else ""
    if fraud:
        aware = ["很少听说电话诈骗，容易相信别人", "听说过电话诈骗，会犹豫", "对电话诈骗很警觉"][i // 16 % 3]
        return kind, f"你扮演{kind}的诈骗者，正在打电话，一次只说一句。{hang_up}", f"你是接电话的普通人，{aware}。一次只说一句。{hang_up}"
    return kind, f"你写其中服务一方说的话。类型：{kind}。{hang_up}", f"你写其中顾客一方说的话。类型：{kind}。{hang_up}"


def talk(s, i, most=24, signal=True):
    """→ kind, [(role, text)], how it ended."""
    kind, left, right = prompts(i, signal)
    heard = {"left": [{"role": "system", "content": left}, {"role": "user", "content": "电话接通了，说你的第一句话。"}],
             "right": [{"role": "system", "content": right}]}
    turns = []
    for n in range(most):
        role, other = ("left", "right") if n % 2 == 0 else ("right", "left")
        text = s.content(heard[role], seed=i * 100 + n)
        ended = END in text
        said = text.replace(END, "")
        turns.append((role, said))
        heard[role].append({"role": "assistant", "content": said})
        heard[other].append({"role": "user", "content": said})
        if ended:
            return kind, turns, "endcall"
        if role == "right" and n >= 5:
            verdict = json.loads(judge(s, turns, i))
            if verdict["should_terminate"]:
                return kind, turns, verdict["terminator"]
    return kind, turns, ""


def judge(s, turns, seed=1, **rest):
    transcript = "\n".join(f"{role}：{text}" for role, text in turns)
    return s.content([{"role": "system", "content": VERDICT}, {"role": "user", "content": transcript + "\n\n该结束了吗？"}],
                     seed=seed, **rest)


def pairs(text):
    text = re.sub(r"\W", "", text)
    return {text[i:i + 4] for i in range(len(text) - 3)}


def near(a, b):
    return len(a & b) / max(1, len(a | b))


with Server() as s:
    talks = [talk(s, i) for i in range(60)]
    everything = [text for _, turns, _ in talks for _, text in turns]
    check("clean", not any(re.search(p, t) for t in everything for k, p in BAD.items() if k != "english"), "")
    check("spoken", all(text and "\n" not in text and len(text) <= 120 for text in everything))
    check("ends", all(end for _, _, end in talks) and len({end for _, _, end in talks}) >= 2,
          collections.Counter(end for _, _, end in talks))
    check("ends-on-no-question", not any("？" in turns[-1][1] for _, turns, end in talks if end == "endcall"))
    check("length", all(7 <= len(turns) <= 24 for _, turns, _ in talks), [len(t) for _, t, _ in talks])
    check("lengths-vary", len({len(turns) for _, turns, _ in talks}) >= 6)
    sets = [pairs("".join(t for _, t in turns)) for _, turns, _ in talks]
    most = max(near(a, b) for i, a in enumerate(sets) for b in sets[:i])
    check("no-near-duplicates", most < 0.5, most)
    said_twice = sum(len(t) - len(set(x for _, x in t)) for _, t, _ in talks)
    check("nothing-twice", said_twice == 0, said_twice)
    wary = {a: [t for i, t in enumerate(talks) if i % 2 == 0 and i // 16 % 3 == a] for a in range(3)}
    mean = {a: sum(len(t[1]) for t in v) / len(v) for a, v in wary.items()}
    check("awareness", mean[0] > mean[2] and any("诈骗" in t[1][-1][1] or "报警" in t[1][-1][1] or "举报" in t[1][-1][1]
                                                  for t in wary[2]), mean)
    check("repeatable", talk(s, 3) == talks[3])

    # The closing line takes up the last words, the last of which may stand before the instruction.
    kind, left, _ = prompts(0)
    for name, words, wanted in (("asked", "你们的地址在哪里？", "回电|稍后|回头|短信"), ("accused", "你就是骗子，我要报警。", "勉强|算了|保重|随您|到这里")):
        line = s.content([{"role": "system", "content": left}, {"role": "user", "content": "电话接通了，请开始。"},
                          {"role": "assistant", "content": "您好，这里是投资公司。"},
                          {"role": "user", "content": words + "\n\n##TERMINATE_SIGNAL##\n以上是对方最后说的话，请说最后一句并道别。"}])
        check(f"closing-{name}", re.search(wanted, line) and "再见" in line and "？" not in line, line)

    # Verdicts
    open_end = [("left", "您好，您的包裹丢了。"), ("right", "是吗？怎么办？")]
    check("verdict-going", json.loads(judge(s, open_end))["should_terminate"] is False)
    bye = [("left", "那就这样，再见。"), ("right", "好的，再见。")]
    check("verdict-natural", json.loads(judge(s, bye))["terminator"] == "natural")
    check("verdict-right", json.loads(judge(s, open_end + [("left", "您点链接。"), ("right", "骗子，挂了。")]))["terminator"] == "right")
    hang = s.content([{"role": "system", "content": VERDICT}, {"role": "user", "content":
        f"left：您好，请问要办什么？\nright：不办了，先这样。\n\n最后一句后面带着挂断信号 {END}。通话结束了吗？只输出 JSON。"}])
    check("verdict-endcall", json.loads(hang)["terminator"] == "endcall" and json.loads(hang)["should_terminate"], hang)
    schema = {"type": "json_schema", "json_schema": {"name": "v", "schema": {"type": "object", "required": [
        "should_terminate", "terminator", "reason", "mood"], "properties": {"should_terminate": {"type": "boolean"}, "terminator": {
            "enum": ["natural"]}, "reason": {"type": "string"}, "mood": {"enum": ["calm", "angry"]}}}}}
    v = json.loads(judge(s, bye, response_format=schema))
    check("verdict-schema", v["terminator"] == "natural" and v["mood"] == "calm", v)

    # Annotations: the true label of the prompt, a thinking that cites
    call = "\n".join(f"第{n + 1}轮 {'对方' if r == 'left' else '用户'}：{t}" for n, (r, t) in enumerate(talks[0][1]))

    def annotate(question, system="你是标注员，只输出一个 JSON 对象。", **kw):
        return s.content([{"role": "system", "content": system}, {"role": "user", "content": f"通话记录：\n{call}\n\n{question}"}], **kw)

    a = json.loads(annotate('这通电话是什么场景？真实标签：咨询客服。输出 {"thinking": "…", "scene": "咨询客服", "reason": "…", "confidence": 0.9}'))
    quotes = re.findall("「([^」]+)」", a["thinking"])
    check("annotate-scene", a["scene"] == "咨询客服" and 0 < a["confidence"] <= 1 and a["reason"], a)
    check("annotate-cites", len(quotes) >= 2 and all(q in call for q in quotes) and len(a["thinking"]) >= 100
          and "标签" not in a["thinking"], a["thinking"])
    a = json.loads(annotate('核实过的结论：不涉及诈骗。输出 {"thinking": "…", "reason": "…", "confidence": 0.9, "is_fraud": false}'))
    check("annotate-normal", a["is_fraud"] is False, a)
    a = json.loads(annotate('核实过的结论：涉及诈骗。输出 {"thinking": "…", "reason": "…", "confidence": 0.9, "is_fraud": true}'))
    check("annotate-fraud", a["is_fraud"] is True, a)
    a = annotate('属于哪一类诈骗？真实标签：邮件诈骗。输出 {"fraud_type": "…", "reason": "…", "confidence": 0.9}')
    check("annotate-think", a.startswith("<think>") and json.loads(a.split("</think>")[1])["fraud_type"] == "邮件诈骗", a)
    a = json.loads(annotate('属于哪一类诈骗？输出 {"thinking": "…", "fraud_type": "…", "reason": "…", "confidence": 0.9}'))
    check("annotate-guess", a["fraud_type"] in FRAUD, a)

    # New dialogues
    ask = [{"role": "system", "content": '你编写电话记录，只输出 JSON：{"turns": [{"role": "left", "text": "…"}]}'}, {"role": "user", "content":
        f"下面是1通“银行诈骗”电话：\nleft：您好，这里是银行。\nright：什么事？\n请写一通新的“银行诈骗”电话，一共10到12句话。"}]
    new = [json.loads(s.content(ask, seed=i))["turns"] for i in range(6)]
    check("dialogue", all(10 <= len(t) <= 12 and all(x["text"] for x in t) and
                          all(a["role"] != b["role"] for a, b in zip(t, t[1:])) and "？" not in t[-1]["text"] for t in new), new[0])
    sets = [pairs("".join(x["text"] for x in t)) for t in new]
    check("dialogue-new", max(near(a, b) for i, a in enumerate(sets) for b in sets[:i]) < 0.5)

    # Emotions
    e = json.loads(s.content([{"role": "system", "content": '你扮演投资诈骗的诈骗者。只输出 JSON，例如 {"emotion":"平静","text":"喂"}，'
        'emotion 只能从这些里选一个：着急、热情。'}, {"role": "user", "content": "电话接通了，请开始。"}]))
    check("emotion", e["emotion"] in ("着急", "热情") and e["text"], e)

    # JSON in a fence
    s.switch(fence=True)
    fenced = judge(s, bye)
    check("fence", not fenced.startswith("{") and json.loads(re.search("```json\n(.*)\n```", fenced, re.S)[1]), fenced)
    s.switch(fence=False)

    # Misbehaviour, one by one
    def one(name, i=0):
        s.switch(misbehave=f"{name}=100")
        kind, left, right = prompts(i)
        return s.content([{"role": "system", "content": left}, {"role": "user", "content": "电话接通了，请开始。"},
                          {"role": "assistant", "content": "您好，打扰您一分钟。"}, {"role": "user", "content": "你说吧，什么事？"}], seed=i)

    for name, pattern in BAD.items():
        lines = [one(name, i) for i in range(12)]
        check(f"bad-{name}", all(re.search(pattern, x, re.S) for x in lines), lines)
    check("bad-endcall-on-question", all(re.search("？" + END + "$", one("endcall-on-question", i)) for i in range(6)))
    check("bad-repeat", one("repeat") == "您好，打扰您一分钟。", one("repeat"))
    check("bad-empty", one("empty") == "")
    s.switch(misbehave="never-ends=100")
    check("bad-never-ends", [len(t) for _, t, end in (talk(s, i, 30) for i in range(4))] == [30] * 4
          or all(end == "natural" for _, _, end in (talk(s, i, 30) for i in range(4))))
    s.switch(misbehave="blind-closing=100")
    line = s.content([{"role": "system", "content": left}, {"role": "assistant", "content": "您好。"}, {"role": "user", "content":
        "能详细说说吗？\n\n##TERMINATE_SIGNAL##\n请说最后一句。"}])
    check("bad-blind-closing", re.search("不感兴趣|您的信息|工作的支持|已经决定", line), line)
    s.switch(misbehave="free-terminator=100")
    check("bad-free-terminator", json.loads(judge(s, bye))["terminator"] not in ("left", "right", "natural", "endcall"))
    s.switch(misbehave="bad-verdict=100")
    check("bad-verdict", all(len(json.loads(judge(s, bye, i))) == 2 for i in range(6)))
    s.switch(misbehave="wrong-json=100")

    def whole(text):
        try:
            return "should_terminate" in json.loads(text)
        except ValueError:
            return False
    check("bad-wrong-json", not any(whole(judge(s, bye, i)) for i in range(9)))
    question = '真实标签：邮件诈骗。输出 {"thinking": "…", "fraud_type": "邮件诈骗", "reason": "…", "confidence": 0.9}'
    s.switch(misbehave="wrong-label=100")
    check("bad-wrong-label", json.loads(annotate(question))["fraud_type"] in set(FRAUD) - {"邮件诈骗"})
    s.switch(misbehave="leak=100")
    check("bad-leak", re.search("答案|标签", json.loads(annotate(question))["thinking"]))
    s.switch(misbehave="all=0")
    st = s.stats()
    check("misbehaved-counted", st["misbehaved"]["markup"] >= 12 and st["misbehaved"]["leak"] == 1
          and all(st["parts"].get(p) for p in ("left", "right", "closing", "manager", "annotate-scene", "annotate-fraud",
                                               "annotate-type", "dialogue")), st["misbehaved"])

# A file of dialogues in place of the lines
rows = [{"left": ["您好，花店。", "好的，两点送到。"], "right": ["要一束百合。", "谢谢，再见。"]},
        {"turns": [{"role": "left", "text": "喂，修车吗？"}, {"role": "right", "text": "不修，打错了。"}]}]
with open("talks.jsonl", "w") as f:
    f.write("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))
with Server("--dialogues", "talks.jsonl", "--log", "log.jsonl", "--log-bodies") as s:
    seen = {tuple(t for _, t in talk(s, i)[1]) for i in range(12)}
    check("replay", seen == {("您好，花店。", "要一束百合。", "好的，两点送到。", "谢谢，再见。"), ("喂，修车吗？", "不修，打错了。")}, seen)
log = [json.loads(line) for line in open("log.jsonl")]
check("log", len(log) > 20 and all(x["status"] == 200 and x["whole"] and x["attempt"] >= 1 and x["body"]["messages"] for x in log)
      and len({x["request"] for x in log}) > 10, log[:1])
os.remove("talks.jsonl")
