//! Names and sentences of made-up customers. They are not real people.

/// Name, country, city, dial prefix, gender. Dial prefixes differ as the provider's do.
pub(super) type Person = (&'static str, &'static str, &'static str, &'static str, &'static str);

pub(super) const PEOPLE: [Person; 40] = [
    ("Asha Verma", "IN", "Pune", "+91", "female"),
    ("Rahul Iyer", "IN", "Chennai", "91", "male"),
    ("प्रिया शर्मा", "IN", "Jaipur", "+91", "female"),
    ("தமிழ்ச்செல்வன்", "IN", "Madurai", "91", "male"),
    ("Fatima Al-Zahra", "AE", "Dubai", "+971", "female"),
    ("يوسف الحداد", "EG", "Cairo", "+20", "male"),
    ("ליאור כהן", "IL", "Haifa", "+972", ""),
    ("مریم رضایی", "IR", "Shiraz", "98", "female"),
    ("Chloé Dubois-Lefèvre", "FR", "Lyon", "+33", "female"),
    ("José María Núñez", "ES", "Sevilla", "+34", "male"),
    ("Søren Østergård", "DK", "Aarhus", "45", "male"),
    ("Łukasz Żółć", "PL", "Gdańsk", "+48", "male"),
    ("Jürgen Weiß", "DE", "Köln", "+49", "male"),
    ("Οδυσσέας Παπαδόπουλος", "GR", "Patras", "+30", "male"),
    ("Оксана Шевченко", "UA", "Lviv", "380", "female"),
    ("Nguyễn Thị Hương", "VN", "Huế", "+84", "female"),
    ("สมชาย ใจดี", "TH", "Chiang Mai", "66", "male"),
    ("山田 花子", "JP", "Sendai", "+81", "female"),
    ("김민준", "KR", "Busan", "82", "male"),
    ("李晓明", "CN", "Chengdu", "+86", "male"),
    ("Wanjiru Kamau", "KE", "Nakuru", "+254", "female"),
    ("Chukwuemeka Okonkwo", "NG", "Enugu", "234", "male"),
    ("Thandiwe Nkosi", "ZA", "Durban", "+27", "female"),
    ("Abebe Tesfaye", "ET", "Adama", "+251", "male"),
    ("João Pedro da Conceição e Silva", "BR", "Recife", "55", "male"),
    ("Xóchitl Hernández", "MX", "Oaxaca", "+52", "female"),
    ("Mary-Jane O'Neill", "IE", "Cork", "+353", "female"),
    ("Bob", "US", "Austin", "1", "male"),
    ("Dr. Evelyn St. Clair-Montgomery III", "US", "Boston", "+1", "female"),
    ("Kahiau Kealoha", "US", "Hilo", "1", ""),
    ("Tāne Ngata", "NZ", "Rotorua", "+64", "male"),
    ("Birna Jónsdóttir", "IS", "Akureyri", "+354", "female"),
    ("✨ Luna ✨", "AR", "Rosario", "+54", "female"),
    ("🐧", "CL", "Punta Arenas", "56", ""),
    ("👩‍👩‍👧 Familie Peters", "NL", "Utrecht", "+31", ""),
    // What some people type where a name is asked for.
    ("<b>Max</b> & Co", "AT", "Graz", "+43", ""),
    ("", "GB", "Leeds", "+44", ""),
    ("", "IN", "Kochi", "91", ""),
    ("", "", "", "", ""),
    ("Aigul Nurlanova", "KZ", "Almaty", "+7", "female"),
];

pub(super) const GREETING: &str = "Hi! I am the shop's assistant. How can I help you?";

/// First words of a customer.
pub(super) const OPENINGS: [&str; 24] = [
    "Hi, where is my order?",
    "Hello? Is anybody there?",
    "My payment went through twice 😟",
    "Do you ship to my country?",
    "Can I change the delivery address of order 10482?",
    "The coupon SUMMER does not work",
    "I would like to return the shoes, they are too small.",
    "¿Hablan español? Necesito ayuda con mi factura.",
    "Bonjour, je n'ai pas reçu ma commande.",
    "नमस्ते, मेरा ऑर्डर कब आएगा?",
    "مرحبا، أريد استبدال المنتج",
    "注文をキャンセルしたいのですが。",
    "Is the blue one back in stock?",
    "I can't log in. I tried three times & the code never comes.",
    "The app says \"error 500\" when I pay",
    "What are your opening hours tomorrow?",
    "I want to talk to a person please",
    "The parcel arrived broken:\n- two glasses\n- one plate",
    "Could you send me the invoice by mail? The company's name must be on it, and the tax number, \
     and please also the purchase order that I gave when I ordered, since accounting refuses it otherwise.",
    "Olá! Qual é o prazo de entrega?",
    "Guten Tag, ich brauche eine Rechnung.",
    "URGENT!!! please call me",
    "👋",
    "Look at <https://example.com|this> and tell @here what it costs",
];

/// Further words of one who waits.
pub(super) const FOLLOW_UPS: [&str; 8] = [
    "Hello?",
    "Still waiting…",
    "Is anyone there?",
    "It is a bit urgent.",
    "?",
    "Please, I have to leave in ten minutes.",
    "I can send a photo if that helps",
    "🙏",
];

/// Asking for a person.
pub(super) const FOR_A_PERSON: [&str; 5] = [
    "That does not help. Can I talk to a person?",
    "agent",
    "I want to talk to a human",
    "Talk to support",
    "No, please connect me with somebody",
];

/// What the bot says.
pub(super) const BOT_ANSWERS: [&str; 5] = [
    "Orders usually arrive within 3 to 5 days.",
    "You find your invoices under Account → Orders.",
    "I can help you with that. Which order is it about?",
    "Our shop is open from 9 to 18 h, Monday to Saturday.",
    "Here is an article that may help: https://shop.example.com/help/returns",
];

/// What the bot says when it hands a conversation to a person.
pub(super) const HAND_OVERS: [&str; 4] = [
    "I have asked a colleague to help you. One moment, please.",
    "A person of our team will be with you soon.",
    "I am passing this on to the team. Please stay here.",
    "Thank you! Somebody will answer you in a few minutes.",
];

/// What agents say.
pub(super) const AGENT_ANSWERS: [&str; 7] = [
    "Thanks for waiting! I am looking into it.",
    "Hello, sorry for the delay. How can I help?",
    "I have sent you the invoice again.",
    "Your parcel is on its way, it should be there tomorrow.",
    "The second payment is being refunded.",
    "Could you give me the number of your order?",
    "Done! Anything else?",
];

/// The tag of the customers whom the team must not keep waiting.
pub(super) const VIP: &str = "vip";

/// Tags of the team.
pub(super) const TAGS: [&str; 6] = [VIP, "returning", "refund", "wholesale", "beta", "complaint"];

/// Device, browser, operating system.
pub(super) const DEVICES: [(&str, &str, &str); 5] = [
    ("Desktop(Apple Macintosh)", "Chrome 148.0.0.0", "Mac OS 10.15.7"),
    ("Desktop(Microsoft Windows)", "Edge 147.0.0.0", "Windows 11"),
    ("Mobile(Apple iPhone)", "Safari 19.1", "iOS 19.1"),
    ("Mobile(Samsung SM-S931B)", "Chrome 148.0.0.0", "Android 16"),
    ("Desktop(Linux)", "Firefox 150.0", "Ubuntu"),
];

/// Pages of the shop.
pub(super) const PAGES: [&str; 4] = [
    "https://shop.example.com/",
    "https://shop.example.com/shoes",
    "https://shop.example.com/checkout",
    "https://shop.example.com/help/returns",
];
