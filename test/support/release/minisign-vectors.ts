/** A key pair, a message and its signatures as minisign 0.11 made them, for tests. The key has never signed anything else. */
export const MESSAGE = Buffer.from("f00  lib/brain\n1a2b  README.md\n");

export const KEY_LINE = "RWQECYZQjI76ZH1JS+sL3qN3522Q/1Avz3puUVEyOSMWm70Pbi6PrXpN";
export const KEY_ID = "64FA8E8C50860904";
export const PUBLIC_KEY = `untrusted comment: minisign public key ${KEY_ID}\n${KEY_LINE}\n`;

/** From `minisign -G -W`. */
export const SECRET_KEY = `untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAmGUIyO+mTvsaTaTvmmeaYM4kHriu7Rw5Qd5D8hGVehxvlGlT2cMX1JS+sL3qN3522Q/1Avz3puUVEyOSMWm70Pbi6PrXpNAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
`;

/** From `minisign -S`. */
export const COMMENT = "timestamp:1700000000\tgrüße";
export const SIGNATURE = `untrusted comment: signature from minisign secret key
RUQECYZQjI76ZBQQ6k9OHOKmlCbkZnnwGeY4aZspfvyD7dOdtR/zvih2/pBroX7Ao26bQHwdHn7nDD2sBJZVIWdMo6h0dX0xtwU=
trusted comment: ${COMMENT}
35EZmbDEv7B/4AZbJnzV6tUoZEEvoIAj8fSH4stqy4fQ25IXY/J42KgIqXJzRSzUL5RHG3PiDHiITVFYS7JtAw==
`;

/** From `minisign -S -l`. */
export const LEGACY_SIGNATURE = `untrusted comment: signature from minisign secret key
RWQECYZQjI76ZLV0A+QKiGwV2wbp/XxhZybYFg16L9P9QU48uN0CRf/Q14SyjWnhfo1VG9hT68TkjspZ5DtsAElJTMFRtHiPrAE=
trusted comment: grüße
bTCk2UWhY4nt4BfICncrEx28M7MbrFPW1ypoXvb9Mu7fGAg4RyXWggJOXwE3ZTG2yx2pDnblloIOVP0anW/+BQ==
`;
