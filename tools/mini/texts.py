"""What the synthetic voices say: one text a language for training, other sentences for the held-out task.

The training texts are the first article of the Universal Declaration of Human Rights (a few languages
shortened or transliterated), cut into word groups and mixed with numbers, which espeak-ng reads in every language. The
held-out sentences are everyday ones of our own, and share none of those groups.
"""

from __future__ import annotations

TRAINING: dict[str, str] = {
    # Germanic
    "en-us": "All human beings are born free and equal in dignity and rights. They are endowed with reason and "
    "conscience and should act towards one another in a spirit of brotherhood.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen "
    "begabt und sollen einander im Geiste der Brüderlichkeit begegnen.",
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand en "
    "geweten, en behoren zich jegens elkander in een geest van broederschap te gedragen.",
    "sv": "Alla människor är födda fria och lika i värde och rättigheter. De har utrustats med förnuft och samvete "
    "och bör handla gentemot varandra i en anda av gemenskap.",
    "da": "Alle mennesker er født frie og lige i værdighed og rettigheder. De er udstyret med fornuft og "
    "samvittighed, og de bør handle mod hverandre i en broderskabets ånd.",
    "is": "Hver maður er borinn frjáls og jafn öðrum að virðingu og réttindum. Menn eru gæddir vitsmunum og "
    "samvisku, og ber þeim að breyta bróðurlega hverjum við annan.",
    # Romance
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y "
    "conciencia, deben comportarse fraternalmente los unos con los otros.",
    "fr-fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et "
    "de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di "
    "coscienza e devono agire gli uni verso gli altri in spirito di fratellanza.",
    "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de "
    "consciência, devem agir uns para com os outros em espírito de fraternidade.",
    "ro": "Toate ființele umane se nasc libere și egale în demnitate și în drepturi. Ele sunt înzestrate cu "
    "rațiune și conștiință și trebuie să se comporte unele față de altele în spiritul fraternității.",
    "ca": "Tots els éssers humans neixen lliures i iguals en dignitat i en drets. Són dotats de raó i de "
    "consciència, i han de comportar-se fraternalment els uns amb els altres.",
    # Slavic
    "ru": "Все люди рождаются свободными и равными в своём достоинстве и правах. Они наделены разумом и совестью "
    "и должны поступать в отношении друг друга в духе братства.",
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni "
    "rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa.",
    "cs": "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni rozumem a svědomím a "
    "mají spolu jednat v duchu bratrství.",
    "bg": "Всички хора се раждат свободни и равни по достойнство и права. Те са надарени с разум и съвест и следва "
    "да се отнасят помежду си в дух на братство.",
    "hr": "Sva ljudska bića rađaju se slobodna i jednaka u dostojanstvu i pravima. Ona su obdarena razumom i "
    "sviješću i trebaju jedna prema drugima postupati u duhu bratstva.",
    # Indo-Iranian
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। उन्हें बुद्धि और "
    "अन्तरात्मा की देन प्राप्त है और परस्पर उन्हें भाईचारे के भाव से बर्ताव करना चाहिए।",
    "bn": "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে। তাঁদের বিবেক এবং বুদ্ধি আছে সুতরাং সকলেরই একে "
    "অপরের প্রতি ভ্রাতৃত্বসুলভ মনোভাব নিয়ে আচরণ করা উচিত।",
    "fa": "تمام افراد بشر آزاد به دنیا می آیند و از لحاظ حیثیت و حقوق با هم برابرند. همه دارای عقل و وجدان هستند و باید "
    "نسبت به یکدیگر با روح برادری رفتار کنند.",
    "mr": "सर्व मानवी व्यक्ति जन्मतःच स्वतंत्र आहेत व त्यांना समान प्रतिष्ठा व समान अधिकार आहेत. त्यांना विचारशक्ति व "
    "सदसद्विवेकबुद्धि लाभलेली आहे व त्यांनी एकमेकांशी बंधुत्वाच्या भावनेने आचरण करावे.",
    # Uralic
    "fi": "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan. Heille on annettu järki ja "
    "omatunto, ja heidän on toimittava toisiaan kohtaan veljeyden hengessä.",
    "hu": "Minden emberi lény szabadon születik és egyenlő méltósága és joga van. Az emberek, ésszel és "
    "lelkiismerettel bírván, egymással szemben testvéri szellemben kell hogy viseltessenek.",
    "et": "Kõik inimesed sünnivad vabadena ja võrdsetena oma väärikuselt ja õigustelt. Neile on antud mõistus ja "
    "südametunnistus ja nende suhtumist üksteisesse peab kandma vendluse vaim.",
    # Turkic
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler ve "
    "birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler.",
    "az": "Bütün insanlar ləyaqət və hüquqlarına görə azad və bərabər doğulurlar. Onların şüurları və vicdanları "
    "var və bir-birlərinə münasibətdə qardaşlıq ruhunda davranmalıdırlar.",
    "kk": "Барлық адамдар тумысынан азат және қадір қасиеті мен құқықтары тең болып дүниеге келеді. Адамдарға "
    "ақыл парасат, ар ождан берілген, сондықтан олар бір бірімен туыстық қарым қатынас жасаулары тиіс.",
    # East Asian
    "cmn": "人人 生而 自由, 在 尊严 和 权利 上 一律 平等。 他们 赋有 理性 和 良心, 并 应以 兄弟 关系 的 精神 "
    "相 对待。",
    "ja": "すべての にんげんは うまれながらにして じゆうであり かつ そんげんと けんりとに ついて びょうどうである。 "
    "にんげんは りせいと りょうしんとを さずけられており たがいに どうほうの せいしんをもって こうどうしなければ ならない。",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 "
    "부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
    "vi": "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi. Mọi con người đều được "
    "tạo hóa ban cho lý trí và lương tâm và cần phải đối xử với nhau trong tình anh em.",
    # Others
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι "
    "με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης.",
    "lt": "Visi žmonės gimsta laisvi ir lygūs savo orumu ir teisėmis. Jiems suteiktas protas ir sąžinė ir jie turi "
    "elgtis vienas kito atžvilgiu kaip broliai.",
    "cy": "Genir pawb yn rhydd ac yn gydradd â'i gilydd mewn urddas a hawliau. Fe'u cynysgaeddir â rheswm a "
    "chydwybod, a dylai pawb ymddwyn y naill at y llall mewn ysbryd cymodlon.",
    "eu": "Gizon emakume guztiak aske jaiotzen dira, duintasun eta eskubide berberak dituztela. Eta ezaguera eta "
    "kontzientzia dutenez gero, elkarren artean senide legez jokatu beharra dute.",
    "id": "Semua orang dilahirkan merdeka dan mempunyai martabat dan hak yang sama. Mereka dikaruniai akal dan "
    "hati nurani dan hendaknya bergaul satu sama lain dalam semangat persaudaraan.",
    "sw": "Watu wote wamezaliwa huru, hadhi na haki zao ni sawa. Wote wamejaliwa akili na dhamiri, hivyo yapasa "
    "watendeane kindugu.",
    "ar": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا "
    "بروح الإخاء.",
}

HELD_OUT: dict[str, tuple[str, ...]] = {
    "de": (
        "Gestern abend hat es am Bahnhof stark geregnet",
        "Meine Schwester kocht heute Suppe mit frischem Brot",
        "Der Bäcker öffnet sein Geschäft schon vor sechs Uhr",
        "Im Garten schläft eine schwarze Katze unter dem Baum",
        "Wir fahren nächste Woche mit dem Zug nach Hamburg",
        "Kannst du mir bitte das große Fenster zumachen",
        "Das alte Klavier klingt nach dem Stimmen viel besser",
        "Am Montag beginnt die Schule erst um neun",
        "Der kleine Hund jagt den Ball quer über die Wiese",
        "Ich suche meinen Schlüssel schon den ganzen Morgen",
        "Auf dem Markt kosten die Äpfel heute weniger",
        "Unser Nachbar spielt jeden Sonntag laut Trompete",
    ),
    "en-us": (
        "The train to the coast leaves early in the morning",
        "My grandmother keeps her old letters in a wooden box",
        "Please close the kitchen window before it rains",
        "We walked along the river until it was dark",
        "The baker sells warm bread on the corner every Sunday",
        "Nobody noticed the small gray cat under the table",
        "He repairs broken clocks in a shop near the station",
        "Tomorrow we will paint the fence a lighter shade of green",
        "She found her keys behind the sofa last night",
        "The children built a boat from paper and string",
        "It takes about an hour to drive to the lake",
        "Our neighbor plays the trumpet when the weather is nice",
    ),
    "es": (
        "El tren de la costa sale muy temprano por la mañana",
        "Mi abuela guarda sus cartas viejas en una caja azul",
        "Cierra la ventana de la cocina antes de que llueva",
        "Caminamos junto al río hasta que se hizo de noche",
        "La panadera vende pan caliente en la esquina",
        "Nadie vio al gato gris debajo de la mesa",
        "Mañana vamos a pintar la puerta de color verde",
        "El perro pequeño corre detrás de la pelota",
        "Ayer encontré mis llaves detrás del sofá",
        "Los niños hicieron un barco de papel",
        "Tardamos una hora en llegar al lago",
        "Nuestro vecino toca la trompeta cada domingo",
    ),
    "fr-fr": (
        "Le train de la côte part très tôt le matin",
        "Ma grand-mère garde ses vieilles lettres dans une boîte",
        "Ferme la fenêtre de la cuisine avant la pluie",
        "Nous avons marché le long de la rivière jusqu'au soir",
        "La boulangère vend du pain chaud au coin de la rue",
        "Personne n'a vu le petit chat gris sous la table",
        "Demain nous allons peindre la porte en vert clair",
        "Le chien court après le ballon à travers le pré",
        "Hier j'ai retrouvé mes clés derrière le canapé",
        "Mes cousins ont fabriqué un bateau avec du carton",
        "Il faut une heure pour arriver au lac en voiture",
        "Notre voisin joue de la trompette chaque dimanche",
    ),
    "it": (
        "Il treno per la costa parte molto presto al mattino",
        "Mia nonna conserva le vecchie lettere in una scatola",
        "Chiudi la finestra della cucina prima che piova",
        "Abbiamo camminato lungo il fiume fino a sera",
        "La fornaia vende il pane caldo all'angolo della strada",
        "Nessuno ha visto il piccolo gatto grigio sotto il tavolo",
        "Domani dipingeremo la porta di verde chiaro",
        "Il cane corre dietro alla palla nel prato",
        "Ieri ho trovato le chiavi dietro il divano",
        "I bambini hanno costruito una barca di carta",
        "Ci vuole un'ora per arrivare al lago in macchina",
        "Il nostro vicino suona la tromba ogni domenica",
    ),
    "ru": (
        "Поезд к морю уходит очень рано утром",
        "Моя бабушка хранит старые письма в коробке",
        "Закрой окно на кухне, пока не пошёл дождь",
        "Мы гуляли вдоль реки до самой темноты",
        "На углу продают тёплый хлеб каждое воскресенье",
        "Никто не заметил маленькую кошку под столом",
        "Завтра мы покрасим забор в зелёный цвет",
        "Собака бежит за мячом через весь луг",
        "Вчера я нашёл ключи за старым диваном",
        "Дети построили кораблик из бумаги",
        "До озера ехать на машине около часа",
        "Наш сосед играет на трубе по выходным",
    ),
}
