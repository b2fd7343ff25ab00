"""Sentences for the synthesised voices: our own, everyday, in the languages that the voices speak."""

TEXT = {
    "en": """Good morning everyone, can you hear me well on your side?
I will share my screen in a moment, please wait.
The quick fox thinks seven times before it jumps over a puddle.
We moved the meeting from Tuesday to Thursday at half past nine.
Could you repeat the last part, the line was breaking up.
She sells fresh fish and thick chips by the shallow sea.
There is a strange noise in the kitchen, like a fan that never stops.
Please send the invoice for March by the end of the week.
My sister's birthday is in July, and nobody has bought a present.
The temperature will fall to minus five degrees during the night.
Judge the measure by its pleasure, not by its treasure.
He put the heavy box on the top shelf with both hands.
Why did the bus leave without us, and when is the next one?
The children are playing football behind the yellow house.
I have never seen such bright stars above the city.
Turn left at the church, then go straight for about two miles.
Actually, I think that we should wait for the test results.
What a beautiful voice, who is singing in the garden?
Our budget grew by twelve percent, which is more than we hoped.
Bring a towel, a warm jacket and something to drink.
The doctor says that you should rest and walk a little every day.
Open the window, it smells of burnt toast in here.
Zero, one, two, three, four, five, six, seven, eight, nine, ten.
If the printer jams again, pull the paper out slowly from below.
They chose a dozen juicy oranges and a huge green melon.
Nobody knew where the old key had been hidden.
We would like a table for four near the fireplace, please.
The train to York was late because of snow on the tracks.
You are on mute, press the small button at the bottom.
Thanks a lot for your help, I will call you back tomorrow.
It rained all afternoon, so the picnic turned into a film night.
Both brothers breathe deeply before they throw the ball.
Is there anything else that you want to talk about today?
The recipe needs butter, sugar, four eggs and a pinch of salt.
Every evening the neighbour practises the same three notes.
Charge the battery overnight and check the cable in the morning.
A large orange ship was anchored in the quiet harbour.
I am sorry to bother you, but your microphone is very loud.
Perhaps you could explain the second picture once more.
That is fine with me, let us finish here and have lunch.""",
    "de": """Guten Morgen zusammen, hört ihr mich gut?
Bitte schicken Sie mir die Rechnung bis Freitag.
Der Zug nach München hat heute zwanzig Minuten Verspätung.
Wir haben die Besprechung auf Donnerstag verschoben.
Kannst du das Fenster schließen, draußen ist es laut.
Im Garten singen die Vögel, und die Katze schläft in der Sonne.
Ich möchte einen Tisch für vier Personen reservieren.
Zehn zahme Ziegen ziehen zwei schwere Zentner Zucker.
Das Mikrofon ist stumm, drück bitte auf den Knopf.
Vielen Dank für deine Hilfe, bis morgen.""",
    "fr": """Bonjour à tous, est-ce que vous m'entendez bien ?
Le train de Lyon arrive avec dix minutes de retard.
Pouvez-vous m'envoyer la facture avant vendredi ?
Les enfants jouent au ballon derrière la maison jaune.
Il fait très froid ce matin, prends une veste chaude.
Je voudrais une table pour quatre près de la fenêtre.
Nous avons déplacé la réunion à jeudi.
Six cents saucisses sèchent sous ce soleil chaud.
La voisine joue du piano tous les soirs.
Merci beaucoup pour votre aide, à demain.""",
    "es": """Buenos días a todos, ¿me oyen bien?
El tren de Sevilla llega con diez minutos de retraso.
¿Puede enviarme la factura antes del viernes?
Los niños juegan a la pelota detrás de la casa.
Hace mucho frío, lleva una chaqueta gruesa.
Quisiera una mesa para cuatro cerca de la ventana.
Hemos cambiado la reunión al jueves.
El perro de mi vecino corre rápido por la carretera.
Muchas gracias por su ayuda, hasta mañana.""",
    "it": """Buongiorno a tutti, mi sentite bene?
Il treno per Napoli arriva con dieci minuti di ritardo.
Può mandarmi la fattura entro venerdì?
I bambini giocano a palla dietro la casa gialla.
Stamattina fa molto freddo, prendi una giacca pesante.
Vorrei un tavolo per quattro vicino alla finestra.
Abbiamo spostato la riunione a giovedì.
Gli gnomi sciolgono la neve sugli scogli.
Ogni sera la vicina suona la stessa canzone.
Spegni la luce e chiudi piano la porta.
Mia sorella compra pane, latte, uova e zucchero.
Grazie mille per il tuo aiuto, a domani.""",
    "pt": """Bom dia a todos, conseguem ouvir-me bem?
O comboio do Porto chega com dez minutos de atraso.
As crianças jogam à bola atrás da casa amarela.
Está muito frio, leva um casaco quente.
Queria uma mesa para quatro perto da janela.
Muito obrigado pela ajuda, até amanhã.""",
    "nl": """Goedemorgen allemaal, kunnen jullie mij goed horen?
De trein naar Utrecht heeft tien minuten vertraging.
De kinderen spelen achter het gele huis.
Kun je het raam sluiten, het is buiten erg luid.
We hebben de vergadering naar donderdag verplaatst.
Hartelijk dank voor je hulp, tot morgen.""",
    "sv": """God morgon allihop, hör ni mig bra?
Tåget till Lund är tio minuter försenat.
Barnen leker bakom det gula huset.
Kan du stänga fönstret, det låter så mycket ute.
Vi har flyttat mötet till torsdag.
Tack så mycket för hjälpen, vi ses i morgon.""",
    "pl": """Dzień dobry wszystkim, czy dobrze mnie słychać?
Pociąg do Krakowa spóźni się dziesięć minut.
Dzieci bawią się za żółtym domem.
Proszę zamknąć okno, na dworze jest głośno.
Przenieśliśmy spotkanie na czwartek.
Dziękuję bardzo za pomoc, do jutra.""",
    "cs": """Dobré ráno všem, slyšíte mě dobře?
Vlak do Brna má deset minut zpoždění.
Děti si hrají za žlutým domem.
Můžete prosím zavřít okno, venku je hluk.
Schůzku jsme přesunuli na čtvrtek.
Dnes večer bude pršet a zítra má svítit slunce.
Koupila chléb, mléko, sýr a čtyři jablka.
Řeka teče pomalu mezi vysokými stromy.
Kdy odjíždí příští autobus na nádraží?
Děkuji vám za pomoc, na shledanou zítra.""",
    "ru": """Доброе утро, вы меня хорошо слышите?
Поезд в Казань опаздывает на десять минут.
Дети играют в мяч за жёлтым домом.
Закройте, пожалуйста, окно, на улице шумно.
Мы перенесли встречу на четверг.
Сегодня вечером будет дождь, а завтра солнце.
Она купила хлеб, молоко, сыр и четыре яблока.
Река медленно течёт между высокими деревьями.
Когда отходит следующий автобус на вокзал?
Большое спасибо за помощь, до завтра.""",
    "fi": """Hyvää huomenta kaikille, kuuletteko minut hyvin?
Juna Tampereelle on kymmenen minuuttia myöhässä.
Lapset leikkivät keltaisen talon takana.
Voisitko sulkea ikkunan, ulkona on kova melu.
Siirsimme kokouksen torstaille.
Illalla sataa ja huomenna paistaa aurinko.
Hän osti leipää, maitoa, juustoa ja neljä omenaa.
Joki virtaa hitaasti korkeiden puiden välissä.
Milloin seuraava linja-auto lähtee asemalle?
Paljon kiitoksia avusta, nähdään huomenna.""",
    "tr": """Herkese günaydın, beni iyi duyuyor musunuz?
Ankara treni on dakika gecikecek.
Çocuklar sarı evin arkasında oynuyor.
Pencereyi kapatır mısın, dışarısı çok gürültülü.
Toplantıyı perşembeye aldık.
Yardımın için çok teşekkürler, yarın görüşürüz.""",
    "hi": """सबको नमस्ते, क्या आप मुझे सुन सकते हैं?
आज गाड़ी दस मिनट देर से आएगी।
बच्चे पीले घर के पीछे खेल रहे हैं।
कृपया खिड़की बंद कीजिए, बाहर बहुत शोर है।
हमने बैठक गुरुवार को रखी है।
मदद के लिए बहुत धन्यवाद, कल मिलेंगे।""",
    "hu": """Jó reggelt mindenkinek, jól hallanak engem?
A szegedi vonat tíz percet késik.
A gyerekek a sárga ház mögött játszanak.
Kérem, csukja be az ablakot, kint nagy a zaj.
A megbeszélést csütörtökre tettük át.
Köszönöm szépen a segítséget, holnap találkozunk.""",
    "el": """Καλημέρα σε όλους, με ακούτε καλά;
Το τρένο έχει δέκα λεπτά καθυστέρηση.
Τα παιδιά παίζουν πίσω από το κίτρινο σπίτι.
Κλείσε το παράθυρο, έξω έχει πολύ θόρυβο.
Μεταφέραμε τη συνάντηση για την Πέμπτη.
Ευχαριστώ πολύ για τη βοήθεια, τα λέμε αύριο.""",
}

SENTENCES = {language: text.splitlines() for language, text in TEXT.items()}
