#include "tests/provider/chattts_kit.h"

#include "base/alloc.h"
#include "tests/io/zipkit.h"

void chattts_kit_open(struct chattts_kit *w, const struct tts_say *lines, const char *with)
{
	CLEANUP(buf_release) struct buf b = BUF_INIT;
	tts_server_start(&w->server, lines);
	buf_printf(&b, "{base_url: 'http://127.0.0.1:%d'%s%s}", w->server.net.port, *with ? ", " : "", with);
	tts_kit_open(&w->kit, &provider_chattts, b.data, NULL);
}

void chattts_kit_close(struct chattts_kit *w)
{
	tts_kit_close(&w->kit);
	tts_server_stop(&w->server);
}

struct tts_say chattts_kit_zip(const struct buf *b)
{
	return (struct tts_say){ZIP, b->data, b->len};
}

const struct buf *chattts_kit_good(void)
{
	static struct buf good = BUF_INIT;
	struct zipkit z = ZIPKIT_INIT;
	if (good.len)
		return &good;
	zipkit_add(&z, "0.mp3", STR("ID3dummy"), NULL);
	zipkit_add(&z, "1.mp3", STR("ID3dummy"), NULL);
	zipkit_add(&z, "1.mp3", STR("ID3bye"), NULL);
	zipkit_add(&z, "0.mp3", STR("ID3hello"), NULL);
	zipkit_end(&z, NULL, &good);
	return &good;
}
