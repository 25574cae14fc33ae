import type { ErrorCode } from '../../contract/errors.ts';

/** Why a storage did not do what it was asked, for people, and what they can do. */
export interface Reason {
  says: string;
  hint: string;
  code?: ErrorCode;
}

const unheard: Reason = {
  says: 'the storage could not be reached, or the connection broke',
  hint: 'Check its address and the network, then try again.',
};
const certificate: Reason = {
  says: "the storage's certificate is not trusted",
  hint: "Correct the address, or name the certificate's authority in NODE_EXTRA_CA_CERTS of the daemon.",
};

/** The system's word, or that of its HTTP client, for why there was no answer → ours. */
export const lineReasons: Record<string, Reason> = {
  ECONNREFUSED: unheard,
  ECONNRESET: unheard,
  EPIPE: unheard,
  ETIMEDOUT: unheard,
  EHOSTUNREACH: unheard,
  ENETUNREACH: unheard,
  ENOTFOUND: unheard,
  EAI_AGAIN: unheard,
  TimeoutError: unheard,
  UND_ERR_CONNECT_TIMEOUT: unheard,
  UND_ERR_HEADERS_TIMEOUT: unheard,
  UND_ERR_BODY_TIMEOUT: unheard,
  UND_ERR_SOCKET: unheard,
  UND_ERR_INFO: unheard,
  CERT_HAS_EXPIRED: certificate,
  DEPTH_ZERO_SELF_SIGNED_CERT: certificate,
  SELF_SIGNED_CERT_IN_CHAIN: certificate,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate,
  ERR_TLS_CERT_ALTNAME_INVALID: certificate,
};

/** Whether the line was to blame, and may be better in a moment. */
export function isLineTrouble(word: string): boolean {
  // HPE: the answer was garbled.
  return lineReasons[word] === unheard || /^HPE_/.test(word);
}
