# Sauvegarder et restaurer
backup-done = La sauvegarde est dans { $file } ({ $bytes } octets). Elle contient des données personnelles : protégez-la comme la plateforme elle-même.
backup-nothing = Il n’y a pas encore de plateforme dans la base de données; il n’y a donc rien à sauvegarder.
backup-no-cluster = Il n’y a pas de base de données dans le dossier { $folder }, ou cet utilisateur ne peut pas le voir; choisissez un autre --data-dir, ou nommez une base de données avec --database-url.
backup-terminal = Une sauvegarde n’est pas faite pour être lue; dirigez la sortie standard vers un fichier ou un programme.
backup-file-exists = { $file } existe déjà; choisissez un autre nom, ou remplacez-le avec --force.
backup-not-a-file = { $file } n’est pas un fichier ordinaire; choisissez un autre nom.
backup-unwritable = La sauvegarde ne peut être écrite dans { $file } ({ $reason }).
backup-program-missing = Le programme { $program } est introuvable sur cette machine; installez les programmes clients de PostgreSQL, version { $version } (Debian, Ubuntu : apt-get install postgresql-client; Fedora : dnf install postgresql; macOS : brew install libpq).
backup-program-old = Le serveur est PostgreSQL { $server }, et pg_dump n’est ici qu’en version { $found }; installez les programmes clients de la version { $server }.
backup-failed = Rien n’a été sauvegardé : { $reason }.
backup-interrupted = Arrêt avant la fin; il n’en reste rien.
restore-done = { $nodes } nœuds et { $changes } entrées du journal des changements sont de retour. Le journal commence une nouvelle époque : les curseurs d’avant ont expiré, et qui suit le journal relit tout.{ $missing ->
    [0] {""}
   *[other] {" "}La sauvegarde est d’une version antérieure : lancez ensuite « hub migrate ».
}
restore-unreadable = Le fichier n’est pas la sauvegarde d’une plateforme, ou il est endommagé ({ $reason }).
restore-foreign = Le fichier est la sauvegarde d’autre chose que d’une plateforme.
restore-newer = La sauvegarde vient d’un programme plus récent (migration { $version }); restaurez-la avec le programme qui l’a faite, ou un plus récent.
restore-not-empty = La base de données { $database } n’est pas vide; restaurez dans une base vide : un nouveau --data-dir, ou une nouvelle base avec --database-url.
restore-encoding = L’encodage de la base de données est { $encoding }, et la plateforme exige UTF8; refaites-la avec ENCODING 'UTF8' TEMPLATE template0.
restore-failed = Rien n’a été restauré, et la base de données est aussi vide qu’avant : { $reason }.
