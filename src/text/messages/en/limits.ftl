# Limits, and how settings about them are wrong.

config-limit-ill-formed = “{ $given }” is no limit: write it as depth=12.
config-limit = A limit cannot be used: { $reason }
config-limit-nothing = The limit { $name } has to be at least 1.
config-limit-time = The limit { $name } has to be between 1 and 86400 seconds.
config-only-documents = Nothing but named documents is to be executed, and there are none: give their folder with --documents.
config-traces = “{ $given }” is no address to send traces to; write it as http://collector.example:4318.
config-network = “{ $given }” is no network: write it as 10.0.0.0/8 or as an address.

# What is asked too much, too often or too late
mutation-uncertain = The database went away while this was being done, so that nobody knows whether it was. Send it again with the same idempotency key: then it is done once.
graphql-parse-failed = This is no GraphQL document: it cannot be read from line { $line }, column { $column } on.
http-body-late = The body did not come to its end in time; send it again.
http-encoded = Send the body as it is, without Content-Encoding.
http-document-unknown = There is no document of this name here.
http-document-and-query = Name a document or send one, not both.
http-only-documents = Without signing in, only the documents that this hub knows by name are executed; name one with documentId.
http-hash-unknown = No document is known by this hash; send the document along once.
http-hash-wrong = The hash is not that of the document.
rate-limited = You have asked for a lot of late; try again in { $seconds ->
        [one] one second
       *[other] { $seconds } seconds
    }.
streams-too-many = You have { $max } WebSockets and event streams open, as many as one may; close some first.
config-document-unusable = The document { $file } cannot be used: { $reason }
