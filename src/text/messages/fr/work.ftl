# Écrire par l’API
version-conflict = Quelqu’un l’a modifié entre-temps; la version est maintenant { $version }. Relisez la fiche et renvoyez votre modification avec cette version.
key-taken = Une fiche porte déjà la clé { $key }; choisissez-en une autre.
idempotency-key-used = Vous avez envoyé autre chose avec cette clé il y a moins d’un jour; prenez une nouvelle clé pour un nouvel envoi.
item-without-community = Indiquez au moins une communauté à laquelle la ressource appartient.
item-foreign-community = Vous pouvez présenter des ressources aux communautés dont vous faites partie; laissez les autres de côté.
item-published-first = Ce qui paraît pour les membres ou pour tous à un moment donné est publié au premier de ces deux moments.
item-out-already = C’est déjà visible pour tous.
item-time-over = Ce moment est passé; choisissez-en un à venir ou n’en indiquez pas.
item-members-first = Les membres le voient avant tout le monde : publicAt doit être postérieur à membersAt.
question-choices = Une question à une ou plusieurs réponses au choix a des choix; les autres n’en ont pas.
charter-versions = Les versions d’une charte sont numérotées à partir de 1, sans saut.
item-members-already = Les membres le voient déjà; n’indiquez pas membersAt, mais le moment où tous le verront.
role-without-source = Un rôle est un fait publié et montre qui le tient : indiquez où il a été publié.
text-is-original = C’est la langue dans laquelle la fiche a été rédigée; changez ce texte en modifiant la fiche.
text-unknown = Il n’existe pas de tel texte; nommez un champ comme `translations` le fait.
text-origin-original = Une traduction vient de quelqu’un ou de quelque chose : HUMAN, MACHINE ou IMPORTED.

# Devenir membre d’une communauté
membership-there = Il y a déjà une adhésion ou une demande dans cette communauté.
membership-not-pending = Il n’y a rien à décider ni à retirer ici : la demande est décidée, retirée ou n’a jamais été envoyée.
membership-not-active = Cette adhésion n’est pas en vigueur.
membership-closed = Cette communauté a pris fin et n’accueille plus de membres.
membership-by-invitation = On n’entre dans cette communauté que sur invitation de ses coordonnateurs; écrivez-leur.
membership-elsewhere = On ne s’inscrit pas à cette communauté par ce carrefour; voyez où elle indique de le faire.
membership-profession = Cette communauté s’adresse à d’autres professions que la vôtre; voyez lesquelles ou écrivez à ses coordonnateurs.
membership-profession-unknown = Cette communauté s’adresse à certaines professions et la vôtre n’est pas connue; demandez aux administrateurs de l’ajouter.
membership-no-such-tier = Cette communauté n’a pas d’adhésions de ce niveau.
membership-by-appointment = Les adhésions de ce niveau se font par nomination; demandez un autre niveau ou écrivez aux coordonnateurs.
membership-region-unknown = Cette communauté accueille un nombre limité de membres par région et celle de la personne n’est pas connue; demandez aux administrateurs de l’ajouter.
membership-quota = Il y a déjà { $max ->
    [one] un membre
   *[other] { $max } membres
} de ce niveau pour { $region }, le maximum.
membership-not-endorsed = Une adhésion de ce niveau demande l’appui d’une organisation, qui n’est pas encore donné; accordez un autre niveau ou attendez-le.
membership-endorser-missing = Indiquez quelle organisation doit vous appuyer.
charter-to-accept = Lisez la version { $version } de la charte, qui est en vigueur, et acceptez-la.
charter-none = Il n’y a pas de charte à accepter; n’indiquez pas de version.
answer-unasked = La communauté ne pose pas cette question, ou la réponse y est donnée deux fois.
answer-missing = Cette question demande une réponse.
answer-unfit = On répond autrement à cette question : elle est de type { $kind }.
refusal-without-reason = Indiquez pourquoi la demande est refusée.
refusal-without-note = Indiquez dans une note pourquoi la demande est refusée, ou choisissez un autre motif.
reason-without-refusal = Un motif n’accompagne qu’un refus; ne l’indiquez pas.
days-out-of-range = { $days } n’est pas un nombre de jours d’attente; utilisez 0 à { $max }.
application-pending = La demande est arrivée; les coordonnateurs vont décider.
application-waiting = La demande est sur la liste d’attente.
application-accepted = La demande a été acceptée.
application-refused = La demande a été refusée.
application-withdrawn = La demande a été retirée.
refusal-not-eligible = La communauté s’adresse à d’autres professions ou domaines.
refusal-full = Il n’y a pas de place pour le moment.
refusal-incomplete = Les réponses ne suffisent pas pour décider; vous pouvez refaire une demande.
refusal-not-endorsed = L’organisation n’a pas appuyé la demande.
refusal-other = Pour la raison que les coordonnateurs donnent dans leur note.

written-meanwhile = Quelqu’un d’autre a écrit quelque chose qui s’y oppose, ou l’a fait au même moment; relisez et essayez de nouveau.
charter-original = Rédigez d’abord la charte dans la langue de la fiche ({ $tag }), puis traduisez-la.
quota-out-of-range = Un maximum va de 1 à { $max }; n’en indiquez pas s’il n’y en a pas.
