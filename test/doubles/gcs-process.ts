import { startGcs } from './gcs.ts';

/** The server as a process of its own, for tests that look at the memory of theirs: it says where it is, and ends with its parent. */
const gcs = await startGcs();
process.once('disconnect', () => void gcs.stop());
process.send?.({ endpoint: `http://127.0.0.1:${gcs.port}`, bucket: gcs.bucket, credentials: gcs.credentials });
