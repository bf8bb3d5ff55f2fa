/* What the writer can write: one SQL statement each, and the letters of its arguments (i integer, b blob or text). Inside the store only. */
#ifndef TAF_CORE_STORE_ROWS_H
#define TAF_CORE_STORE_ROWS_H

/* X(name, sql) */
#define STORE_ROWS(X) \
	X(RESULT, "INSERT OR REPLACE INTO result(n,rejected,key,fields,run) VALUES(?,?,?,?,?)") \
	X(RESULT_KEY, "INSERT OR REPLACE INTO result_key(n,head) VALUES(?,?)") \
	X(DROP_RESULT, "DELETE FROM result WHERE n=?") \
	X(DROP_RESULT_KEY, "DELETE FROM result_key WHERE n=?") \
	X(OBJECT, "INSERT OR IGNORE INTO object(digest,size) VALUES(?,?)") \
	X(RESULT_OBJECT, "INSERT OR IGNORE INTO result_object(object,result) VALUES(?,?)") \
	X(DROP_RESULT_OBJECT, "DELETE FROM result_object WHERE result=?") \
	X(RESULT_ANSWER, "INSERT OR REPLACE INTO result_answer(result,at,request,draw) VALUES(?,?,?,?)") \
	X(DROP_RESULT_ANSWER, "DELETE FROM result_answer WHERE result=?") \
	X(ITEM, "INSERT OR REPLACE INTO item(n,id) VALUES(?,?)") \
	X(MEMO, "INSERT OR REPLACE INTO " \
			"memo(stage,item,outcome,reason,input,fingerprint,changed,checked,was_fingerprint,result,was_result)" \
			" VALUES(?,?,?,?,?,?,?,?,?,?,?)") \
	X(RETIRED, "INSERT OR REPLACE INTO retired(result,run) VALUES(?,?)") \
	X(STAGE_STATE, "UPDATE stage SET state=?2,run=?3 WHERE n=?1") \
	X(FAILURE, "INSERT OR REPLACE INTO failure(key,stage,item,run,code,text) VALUES(?,?,?,?,?,?)") \
	X(DROP_FAILURE, "DELETE FROM failure WHERE key=? AND item=?") \
	X(RETRIED, "INSERT INTO retried(key,stage,times) VALUES(?,?,1) ON CONFLICT(key) DO UPDATE SET times=times+1") \
	X(ANSWER, "INSERT OR REPLACE INTO answer(request,draw,run,stage,item,asked,step,model,tokens_in,tokens_out,cost," \
			  "imported,object,answer,sent) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)") \
	X(SPENT, "INSERT INTO spent(run,answers,tokens_in,tokens_out,cost) VALUES(?1,?2,?3,?4,?5) ON CONFLICT(run) DO " \
			 "UPDATE SET answers=answers+?2,tokens_in=tokens_in+?3,tokens_out=tokens_out+?4,cost=cost+?5") \
	X(STAGE, "INSERT OR IGNORE INTO stage(n,name,type,state,run) VALUES(?,?,?,'',0)") \
	X(FINGERPRINT, "INSERT OR IGNORE INTO fingerprint(n,digest,parts) VALUES(?,?,?)") \
	X(LOST, "INSERT OR IGNORE INTO lost(object) VALUES(?)") \
	X(LOST_MEMO, "UPDATE memo SET outcome=0,result=0 WHERE result IN (SELECT result FROM result_object JOIN lost " \
				 "USING(object))") \
	X(LOST_KEY, "DELETE FROM result_key WHERE n IN (SELECT result FROM result_object JOIN lost USING(object))") \
	X(LOST_RESULT, "DELETE FROM result WHERE n IN (SELECT result FROM result_object JOIN lost USING(object))") \
	X(LOST_RESULT_ANSWER, \
		"DELETE FROM result_answer WHERE result IN (SELECT result FROM result_object JOIN lost USING(object))") \
	X(LOST_LINK, "DELETE FROM result_object WHERE object IN (SELECT object FROM lost)") \
	X(LOST_ANSWER, "DELETE FROM answer WHERE object IN (SELECT object FROM lost)") \
	X(LOST_OBJECT, "DELETE FROM object WHERE digest IN (SELECT object FROM lost)") \
	X(LOST_DONE, "DELETE FROM lost") \
	X(SEEN, \
		"INSERT OR REPLACE INTO seen(path,way,size,mtime_ns,ctime_ns,ino,hashed_ms,digest) VALUES(?,?,?,?,?,?,?,?)") \
	X(RUN, "INSERT OR REPLACE INTO run(n,id,state,exit_status,started_ms,ended_ms,pid,stats) VALUES(?,?,?,?,?,?,?,?)")

enum store_row {
#define X(name, sql) ROW_##name,
	STORE_ROWS(X)
#undef X
		ROW_COUNT
};

#endif
