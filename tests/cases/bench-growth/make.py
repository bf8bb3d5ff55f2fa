"""Lines of calls of invented words, in five labels. Usage: make.py FIRST LAST. A line is a function of its number."""
import json
import random
import sys

KINDS = ["银行诈骗", "客服诈骗", "投资诈骗", "订餐服务", "咨询客服"]
WHO = "王 李 张 刘 陈 杨 黄 赵 周 吴 徐 孙 马 朱 胡 郭".split()
WHEN = "早上 中午 下午 傍晚 昨天 前天 周一 周二 周三 周四 周五 周六 周日 月初 月底 年底".split()
WHERE = "江边 桥头 南站 北站 东门 西门 操场 药店 书店 菜场 码头 花园 剧院 邮局 工地 食堂".split()
WHAT = "雨伞 钥匙 相册 茶叶 水壶 地图 毛衣 琴谱 零件 账本 车票 鱼竿 画框 门卡 电扇 药箱".split()
DO = "取走 放下 修好 换掉 寄出 借来 退回 找到 弄丢 洗净 包好 拆开 称重 登记 补办 收好".split()


def clause(draw):
    return draw.choice(["{0}{1}在{2}把{3}{4}", "{3}是{0}{1}在{2}{4}的", "{2}那边{0}{1}要{4}{3}", "{1}{4}{3}，{0}去{2}"]).format(
        draw.choice(WHO) + draw.choice("姐哥总叔"), draw.choice(WHEN), draw.choice(WHERE), draw.choice(WHAT), draw.choice(DO))


for number in range(int(sys.argv[1]), int(sys.argv[2])):
    draw = random.Random("call %d" % number)
    say = [clause(draw) + draw.choice("。？") for _ in range(8)]
    kind = KINDS[draw.choice([0, 0, 0, 1, 2, 3, 3, 4])]
    print(json.dumps({"tts_id": "c%04d" % number, "left": say[::2], "right": say[1::2], "user_age": 40, "user_awareness": "中", "fraud_type": kind,
                      "occupation": "教师", "termination_reason": "说完了", "terminator": "natural"}, ensure_ascii=False))
