# Les limites, et ce qui ne va pas dans leurs réglages.

config-limit-ill-formed = « { $given } » n’est pas une limite : écrivez-la comme depth=12.
config-limit = Une limite est inutilisable : { $reason }
config-limit-nothing = La limite { $name } doit être d’au moins 1.
config-limit-time = La limite { $name } doit être de 1 à 86400 secondes.
config-only-documents = Seuls des documents nommés doivent être exécutés, et il n’y en a aucun : indiquez leur dossier avec --documents.
config-traces = « { $given } » n’est pas une adresse où envoyer des traces ; écrivez-la comme http://collector.example:4318.
config-network = « { $given } » n’est pas un réseau : écrivez-le comme 10.0.0.0/8 ou comme une adresse.

# Ce qui est trop demandé, trop souvent ou trop tard
mutation-uncertain = La base de données s’est absentée pendant que ceci se faisait : personne ne sait si c’est fait. Renvoyez-le avec la même clé d’idempotence : ce sera fait une seule fois.
graphql-parse-failed = Ceci n’est pas un document GraphQL : il est illisible à partir de la ligne { $line }, colonne { $column }.
http-body-late = Le corps n’est pas arrivé au bout à temps; envoyez-le de nouveau.
http-encoded = Envoyez le corps tel quel, sans Content-Encoding.
http-document-unknown = Aucun document ne porte ce nom ici.
http-document-and-query = Nommez un document ou envoyez-en un, mais pas les deux.
http-only-documents = Sans connexion, seuls les documents que cette plateforme connaît par leur nom sont exécutés; nommez-en un avec documentId.
http-hash-unknown = Aucun document n’est connu sous cette empreinte; envoyez-le une fois avec elle.
http-hash-wrong = L’empreinte n’est pas celle du document.
rate-limited = Vous avez beaucoup demandé ces derniers temps; réessayez dans { $seconds ->
        [one] une seconde
       *[other] { $seconds } secondes
    }.
streams-too-many = Vous avez { $max } WebSockets et flux d’événements ouverts, autant qu’on peut en avoir; fermez-en d’abord.
config-document-unusable = Le document { $file } est inutilisable : { $reason }
