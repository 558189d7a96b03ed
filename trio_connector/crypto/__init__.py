"""What must be equal byte by byte to the official software: keys, channels, addresses, ids, references and the
encrypted forms of everything on the wire (crypto spec).

Pure: no I/O, clock or randomness; entropy and times are arguments. Where to look:

* text and bytes: `encoding`, `json_text`, `dates`, `ids`, `addresses`, `references`
* primitives: `ciphers`, `signatures`, `exchange`, `derivation`, `hashes`, `passwords`
* one module per thing that travels or is kept: `channel` (the secrets of a relationship), `relationships`, `templates`,
  `messages`, `files`, `tokens`, `challenges`, `datawallet`, `secret_containers`, `password_protection`

What strangers send raises `CoreError` (`errors.CryptoError` among them), `DeserializationError`, `UnknownType` or
`UnexpectedCondition` (`errors.EncodingError`), and nothing else.
"""
